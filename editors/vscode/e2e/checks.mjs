// One line for each check, and a tally at the end; the first that fails ends its suite.
export class Checks {
  passed = 0;
  failed = 0;

  constructor(prefix = '') {
    this.prefix = prefix;
  }

  /** The value that `attempt` comes to; a check passes where it comes to one that is neither false nor undefined. */
  async check(what, attempt) {
    try {
      const value = await attempt();
      if (value === false || value === undefined) {
        throw new Error('it does not hold');
      }
      this.passed += 1;
      console.log(`${this.prefix}ok     ${what}`);
      return value;
    } catch (error) {
      this.failed += 1;
      console.log(`${this.prefix}FAILED ${what}: ${String(error.message ?? error).split('\n').slice(0, 3).join(' | ')}`);
      throw new Stop();
    }
  }

  /** Run `suite` to its first failure; whether there was none. */
  async hold(suite) {
    try {
      await suite();
    } catch (error) {
      if (!(error instanceof Stop)) {
        this.failed += 1;
        console.log(`${this.prefix}FAILED ${error.stack}`);
      }
    }
    return this.failed === 0;
  }

  /** Run `suite` to its first failure, then `end`; ends the process. */
  async run(suite, end) {
    await this.hold(suite);
    await end().catch((error) => console.log(error));
    console.log(`${this.passed} passed, ${this.failed} failed`);
    process.exit(this.failed ? 1 : 0);
  }
}

class Stop extends Error {}
