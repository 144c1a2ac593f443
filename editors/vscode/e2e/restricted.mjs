// A workspace that nobody trusts: node restricted.mjs VSIX FIXTURE OUT
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Checks } from './checks.mjs';
import { until, Workbench } from './workbench.mjs';

const [vsix, fixture, out] = process.argv.slice(2).map((name) => path.resolve(name));
const checks = new Checks();
const check = checks.check.bind(checks);
// No kfunc-lsp on PATH: the copy in the extension has to do, as for most who try it.
process.env.PATH = process.env.PATH_WITHOUT_SERVER ?? process.env.PATH;
const bench = await Workbench.start({ out, vsix, user: { 'security.workspace.trust.enabled': true } });
const { page } = bench;
const workspace = bench.copy(fixture);
const traces = ['command', 'python', 'module'].map((name) => path.join(out, `run-by-${name}`));
const [byCommand, byPython, byModule] = traces;

/** A program that leaves a trace and then fails. */
function program(name, trace) {
  const file = path.join(workspace, name);
  writeFileSync(file, `#!/bin/sh\necho run > ${trace}\nexit 1\n`, { mode: 0o755 });
  return file;
}

async function suite() {
  const settings = { 'kfunc-lsp.server.path': program('evil', byCommand), 'kfunc-lsp.server.python': program('python', byPython) };
  mkdirSync(path.join(workspace, '.vscode'));
  writeFileSync(path.join(workspace, '.vscode', 'settings.json'), JSON.stringify(settings));
  // What a Python that looks into the current folder first would import.
  for (const name of ['kfunc_lsp', 'pygls', 'yaml', 'json', 'asyncio']) {
    writeFileSync(path.join(workspace, `${name}.py`), `open(${JSON.stringify(byModule)}, 'w').write('run')\n`);
  }
  await bench.open(workspace);
  await check('the mode is shown', () => page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).waitFor().then(() => true));
  await bench.openFile('snooper.bpf.c');
  await bench.go(46, 30);
  await check('the server works', () => bench.editor.locator('.squiggly-error').first().waitFor().then(() => true));
  await check('it is the copy in the extension', () => bench.servers().length === 1);
  await check('nothing of the workspace was run', () => !traces.some((trace) => existsSync(trace)));

  const restricted = page.locator('.statusbar-item', { hasText: 'Restricted Mode' });
  await restricted.click();
  await page.locator('.workspace-trust-editor').waitFor();
  const trust = page.locator('.workspace-trust-editor .monaco-button', { hasText: 'Trust' }).first();
  await check('what it would run is run once it is trusted', () =>
    until('the trace', async () => {
      // drawn before it listens: the first click may be lost
      if (await restricted.count()) await trust.click({ timeout: 1000 }).catch(() => {});
      return existsSync(byCommand);
    }),
  );
  const complaint = page.locator('.notification-list-item', { hasText: 'kfunc-lsp' });
  await check('a server that does not start is one message', async () => {
    await complaint.first().waitFor();
    await page.waitForTimeout(1500);
    return (await complaint.count()) === 1;
  });
  await bench.picture('does-not-start');
}

await checks.run(suite, async () => {
  if (checks.failed) {
    await bench.picture('failed');
  }
  await bench.stop();
});
