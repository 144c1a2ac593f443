// The extension: its parts put together, and its commands.
import * as vscode from 'vscode';
import { unpacked } from './bundle';
import { Kernels } from './kernels';
import { Report } from './report';
import { Server } from './server';
import { SECTION, Settings } from './settings';

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel('kfunc-lsp', { log: true });
  const settings = new Settings(context.workspaceState);
  const archive = context.asAbsolutePath('server.tar.xz');
  server = new Server(settings, (python) => unpacked(archive, context.globalStorageUri.fsPath, python), log);
  const running = server;
  const kernels = new Kernels(running, settings);
  const report = new Report(running);
  const commands = {
    restart: () => running.restart(),
    showLog: () => log.show(),
    chooseKernel: () => kernels.choose(),
    showReport: () => report.show(),
  };
  context.subscriptions.push(
    log,
    running,
    kernels,
    report,
    ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(`${SECTION}.${name}`, run)),
    vscode.workspace.onDidChangeConfiguration(async (event) => {
      if (event.affectsConfiguration(`${SECTION}.server`)) {
        await running.restart();
      } else if (event.affectsConfiguration(SECTION)) {
        await running.configure();
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => running.restart()),
  );
  await running.start();
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}
