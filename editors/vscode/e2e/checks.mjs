// One line for each check, and a tally at the end; the first that fails ends its suite.
export class Checks {
  passed = 0;
  failed = 0;

  /** The value that `attempt` comes to; a check passes where it comes to one that is neither false nor undefined. */
  async check(what, attempt) {
    try {
      const value = await attempt();
      if (value === false || value === undefined) {
        throw new Error('it does not hold');
      }
      this.passed += 1;
      console.log(`ok     ${what}`);
      return value;
    } catch (error) {
      this.failed += 1;
      console.log(`FAILED ${what}: ${String(error.message ?? error).split('\n').slice(0, 3).join(' | ')}`);
      throw new Stop();
    }
  }

  /** Run `suite` to its first failure, then `end`; ends the process. */
  async run(suite, end) {
    try {
      await suite();
    } catch (error) {
      if (!(error instanceof Stop)) {
        this.failed += 1;
        console.log(`FAILED ${error.stack}`);
      }
    }
    await end().catch((error) => console.log(error));
    console.log(`${this.passed} passed, ${this.failed} failed`);
    process.exit(this.failed ? 1 : 0);
  }
}

class Stop extends Error {}
