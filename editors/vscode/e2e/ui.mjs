// What a person sees in VS Code, by pointer and keys: node ui.mjs VSIX FIXTURE BROKEN OUT
import path from 'node:path';
import { Checks } from './checks.mjs';
import { until, Workbench } from './workbench.mjs';

const [vsix, fixture, broken, out] = process.argv.slice(2).map((name) => path.resolve(name));
const checks = new Checks();
const flags = ['--disable-workspace-trust'];
const bench = await Workbench.start({ out, vsix, flags });
const { page } = bench;
const status = page.locator('.statusbar-item', { hasText: 'kfuncs' });
const squiggles = () => bench.editor.locator('.squiggly-error, .squiggly-warning').count();
const rows = page.locator('.quick-input-list .monaco-list-row');
const PROGRAM = 'snooper.bpf.c';

/** Tick or untick kernels in the open list, and be done. */
async function toggle(...kernels) {
  for (const kernel of kernels) {
    await page.locator('.quick-input-widget input[type=text]').fill(kernel);
    // The list is drawn anew, and moves.
    await until(`${kernel} at the top`, async () => (await rows.first().innerText().catch(() => '')).startsWith(kernel));
    await rows.first().click();
  }
  await page.keyboard.press('Enter');
  await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
}

async function suite(checks, folder) {
  const check = checks.check.bind(checks);
  await bench.openFile(PROGRAM, folder);
  await page.keyboard.press('Control+B');
  await bench.go(46, 30);
  await check('the finding has a squiggle', () => bench.editor.locator('.squiggly-error').first().waitFor().then(() => true));
  await check('the status bar names the kernel', () => until('7.3', async () => /7\.3/.test(await status.innerText())));
  await page.keyboard.press('Control+Shift+M');
  const row = page.locator('.markers-panel .monaco-list-row', { hasText: '`bpf_wq_set_callback_impl` cannot be called on 7.3' });
  await check('Problems lists it', () => row.first().waitFor().then(() => true));
  await bench.picture('problems');
  await page.keyboard.press('Control+J');

  const hover = page.locator('.monaco-hover:visible', { hasText: 'bpf_wq_set_callback(' });
  await check('hover shows the prototype to call', () =>
    bench.hover('if (bpf_wq_set_callback_impl(', 'bpf_wq_set_callback_impl', hover),
  );
  await bench.picture('hover');
  await page.mouse.move(5, 5);

  await page.keyboard.press('Escape');
  await status.click();
  await check('kernels are on offer', () => rows.filter({ hasText: '6.12' }).first().waitFor().then(() => true));
  await bench.picture('kernels');
  await toggle('7.3', '6.18');
  await check('on 6.18 there is nothing to find', () => until('no squiggle', async () => (await squiggles()) === 0));
  await check('the status bar names the other kernel', () => until('6.18', async () => /6\.18/.test(await status.innerText())));
  await status.click();
  await toggle('6.18');
  await check('the choice can be taken back', () => until('squiggles', async () => (await squiggles()) > 0));

  await bench.run('kfunc-lsp: Show on Which Kernels the Program Loads');
  const report = page.frameLocator('iframe.webview').frameLocator('iframe');
  await check('the report says where it loads', () => report.locator('td.loads', { hasText: 'up to 6.19' }).waitFor().then(() => true));
  await page.waitForTimeout(300);
  await bench.picture('report');
  await page.locator('.tab', { hasText: 'Kernels: snooper' }).locator('.tab-actions a').click();
  await page.locator(`.tab[data-resource-name="${PROGRAM}"]`).click();

  await bench.go(46, 10);
  await page.keyboard.press('Control+.');
  const action = page.locator('.action-widget .monaco-list-row', { hasText: 'Call `bpf_wq_set_callback`' });
  await check('the quick fix is on offer', () => action.first().waitFor().then(() => true));
  await bench.picture('fix');
  await page.keyboard.press('Enter');
  await check('it renames the call', () => bench.line('if (bpf_wq_set_callback(&e->work, report, 0))').waitFor().then(() => true));
  await check('the squiggle is gone', () => bench.editor.locator('.squiggly-error').first().waitFor({ state: 'detached' }).then(() => true));

  await bench.go(45, 30);
  await page.keyboard.press('Control+Enter');
  await page.keyboard.type('bpf_wq_', { delay: 30 });
  const offered = page.locator('.suggest-widget.visible .monaco-list-row');
  await check('completion offers kfuncs', () => offered.filter({ hasText: 'bpf_wq_start' }).first().waitFor().then(() => true));
  await check('and none that may not be called', async () => (await offered.filter({ hasText: '_impl' }).count()) === 0);
  await bench.picture('completion');
  await page.keyboard.press('Escape');
  await page.keyboard.type('set_callback(wq, ', { delay: 30 });
  const active = () => page.locator('.parameter-hints-widget.visible .parameter.active').first().innerText();
  await check('signature help follows the argument', () => until('the second', async () => /callback_fn/.test(await active().catch(() => ''))));
  await bench.picture('signature');
  await page.keyboard.press('Escape');

  const [before] = bench.servers();
  await check('one server runs', () => before !== undefined && bench.servers().length === 1);
  await bench.run('kfunc-lsp: Restart Server');
  await check('Restart starts another', () => until('another', () => bench.servers().length === 1 && bench.servers()[0] !== before));
  await bench.go(15, 20);
  await check('which finds what is left to find', () => until('squiggles', async () => (await squiggles()) > 0));
  await bench.run('kfunc-lsp: Show Log');
  // What is in it cannot be asked: this workbench was installed without what writes such logs.
  const shown = () => page.locator('.part.panel select').evaluateAll((all) => all.map((one) => one.selectedOptions[0]?.text));
  await check('Show Log opens it', () => until('the log', async () => (await shown()).includes('kfunc-lsp')));
  await check('no other host was asked for anything', () => bench.strangers.size === 0);
}

/** The same over a program for which other findings are right: some check has to fail, and is not waited for as long. */
async function notice() {
  await bench.run('View: Revert and Close Editor');
  await page.locator('.tab').waitFor({ state: 'detached' });
  await page.keyboard.press('Control+Shift+E');
  page.setDefaultTimeout(5_000);
  const others = new Checks('# broken: ');
  await checks.check('a broken fixture is noticed', async () => !(await others.hold(() => suite(others, 'broken'))));
}

async function both() {
  const workspace = bench.copy(fixture);
  bench.copy(broken, path.join('workspace', 'broken'));
  await bench.open(workspace);
  await suite(checks);
  await notice();
}

await checks.run(both, async () => {
  if (checks.failed) {
    await bench.picture('failed');
  }
  await bench.stop();
});
