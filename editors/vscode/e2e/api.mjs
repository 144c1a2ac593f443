// Run api-tests.cjs inside of VS Code's extension host: node api.mjs EXTENSION FIXTURE BROKEN OUT
import path from 'node:path';
import { PATIENCE, START, Workbench } from './workbench.mjs';

const [extension, fixture, broken, out] = process.argv.slice(2).map((name) => path.resolve(name));
// A built workbench takes tests only with the driver of its own smoke tests.
const bench = await Workbench.start({ out, flags: ['--disable-workspace-trust', '--vscode-option', 'enable-smoke-test-driver'] });
const workspace = bench.copy(fixture);
bench.copy(broken, path.join('workspace', 'broken'));
const there = (name) => `vscode-remote://${bench.authority}${name}`;

const code = await new Promise((resolve) => {
  setTimeout(() => {
    console.log('FAILED the tests end');
    resolve(1);
  }, START + 2 * PATIENCE).unref();
  const say = (_type, [line, ...more]) => /^(#|ok|FAILED|\d+ passed)/.test(line) && console.log(line, ...more);
  bench.page.exposeFunction('codeAutomationLog', say);
  bench.page.exposeFunction('codeAutomationExit', resolve);
  const payload = [
    ['extensionDevelopmentPath', there(extension)],
    ['extensionTestsPath', there(path.join(import.meta.dirname, 'api-tests.cjs'))],
    ['skipWelcome', 'true'],
  ];
  const query = new URLSearchParams({ folder: workspace, payload: JSON.stringify(payload) });
  void bench.page.goto(`${bench.origin}/?${query}`);
});
if (code) {
  await bench.picture('failed').catch(() => undefined);
}
await bench.stop();
process.exit(code ? 1 : 0);
