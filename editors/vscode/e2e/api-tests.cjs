// What the extension gives to VS Code; runs inside of the extension host, as @vscode/test-electron would run it.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const vscode = require('vscode');

const PATIENCE = Number(process.env.PATIENCE ?? 20) * 1000;
const execute = vscode.commands.executeCommand;
let passed = 0;
let prefix = '';

async function check(what, attempt) {
  try {
    const value = await attempt();
    assert.ok(value !== false && value !== undefined, 'it does not hold');
    passed += 1;
    console.log(`${prefix}ok     ${what}`);
    return value;
  } catch (error) {
    console.log(`${prefix}FAILED ${what}: ${String(error.message).split('\n').slice(0, 8).join(' | ')}`);
    throw error;
  }
}

async function until(what, condition) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
    const value = await condition();
    if (value) {
      return value;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what}: not in ${PATIENCE / 1000} s`);
}

const ours = (uri) => vscode.languages.getDiagnostics(uri).filter((found) => found.source === 'kfunc-lsp');
const some = (uri) => until('a finding', () => ours(uri).length && ours(uri));

async function open(name) {
  const [folder] = vscode.workspace.workspaceFolders;
  const uri = vscode.Uri.joinPath(folder.uri, name);
  const document = await vscode.workspace.openTextDocument(uri);
  await vscode.window.showTextDocument(document);
  return { uri, document, at: (text, more = 0) => document.positionAt(document.getText().indexOf(text) + more) };
}

const IMPL = 'bpf_wq_set_callback_impl';

async function suite(folder) {
  const extension = vscode.extensions.getExtension('kfunc-lsp.kfunc-lsp');
  const { uri, document, at } = await open(`${folder}fixes.bpf.c`);
  await check('the extension starts with a C file', () => until('active', () => extension.isActive));
  const found = await check('findings are there', () => some(uri));
  const called = found.find((one) => (one.code.value ?? one.code) === 'unflagged-impl-called');
  await check('behind é𝄞✓ they stand at the name', () => document.getText(called.range) === IMPL);

  const hovers = await execute('vscode.executeHoverProvider', uri, at(`${IMPL}(&e->work`, 3));
  const words = hovers.flatMap((hover) => hover.contents.map((content) => content.value)).join('\n');
  await check('hover shows both prototypes', () => words.includes('bpf_wq_set_callback(') && words.includes(`${IMPL}(`));
  const completion = await execute('vscode.executeCompletionItemProvider', uri, at('bpf_cast_to_kern_ctx', 8));
  const labels = completion.items.map((item) => item.label.label ?? item.label);
  await check('completion offers kfuncs', () => labels.includes('bpf_cast_to_kern_ctx') && !labels.includes(IMPL));
  const help = await execute('vscode.executeSignatureHelpProvider', uri, at(`${IMPL}(&e->work, `, IMPL.length + 11), ',');
  await check('signature help counts arguments', () => help.activeParameter === 1 && help.signatures[0].activeParameter === 1);

  const header = await open(`${folder}lock.bpf.h`);
  await check('a header is C++ here', () => header.document.languageId === 'cpp');
  await check('and has its findings', () => some(header.uri));
  await execute('workbench.action.closeActiveEditor');
  await vscode.window.showTextDocument(document);

  for (let left = await some(uri); left.length; ) {
    const [first] = left;
    const offered = await execute('vscode.executeCodeActionProvider', uri, first.range, vscode.CodeActionKind.QuickFix.value);
    const fix = await check(`there is a fix of ${first.code.value ?? first.code}`, () => offered.find((action) => action.edit));
    await vscode.workspace.applyEdit(fix.edit);
    const before = left.length;
    await check(`"${fix.title}" mends it`, () => until('one finding less', () => ours(uri).length === before - 1));
    left = ours(uri);
  }
  const fixed = path.join(path.dirname(document.fileName), 'fixed', 'fixes.bpf.c');
  await check('all fixes give what the command line gives', () => {
    assert.equal(document.getText(), fs.readFileSync(fixed, "utf8"));
    return true;
  });

  const snooper = await open(`${folder}snooper.bpf.c`);
  const onProject = (await some(snooper.uri)).length;
  const configuration = vscode.workspace.getConfiguration('kfunc-lsp');
  await configuration.update('kernels', ['6.18'], vscode.ConfigurationTarget.Workspace);
  await check('a setting changes the kernel', () => until('no finding', () => ours(snooper.uri).length === 0));
  await configuration.update('kernels', undefined, vscode.ConfigurationTarget.Workspace);
  await check('and gives it back', () => until('the findings', () => ours(snooper.uri).length === onProject));

  const untitled = await vscode.workspace.openTextDocument({ language: 'c', content: document.getText() + '\nint x(void) { bpf_wq_start_impl(); }\n' });
  await vscode.window.showTextDocument(untitled);
  await check('a buffer without a file is checked', () => execute('vscode.executeHoverProvider', untitled.uri, untitled.positionAt(untitled.getText().indexOf('bpf_wq_init'))).then((answer) => answer.length > 0));

  await execute('kfunc-lsp.restart');
  await check('after Restart the findings are there again', () => some(snooper.uri));
}

exports.run = async () => {
  await suite('');
  const before = passed;
  prefix = '# broken: ';
  const failure = await suite('broken/').catch((error) => error);
  prefix = '';
  passed = before;
  await check('a broken fixture is noticed', () => failure !== undefined);
  console.log(`${passed} passed, 0 failed`);
};
