// The kernels that programs are checked against: shown in the status bar, chosen from a list.
import * as vscode from 'vscode';
import type { Server } from './server';
import type { Settings } from './settings';

/** One kernel on offer: the answer to kfunc-lsp/kernels. */
interface Offered {
  readonly name: string;
  readonly detail: string;
  readonly selected: boolean;
}

const LANGUAGES = new Set(['c', 'cpp']);
const SHOWN = 2;

export class Kernels implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('kfunc-lsp.kernels', vscode.StatusBarAlignment.Right, 100);
  private readonly listeners: vscode.Disposable[];

  constructor(
    private readonly server: Server,
    private readonly settings: Settings,
  ) {
    this.item.name = 'kfunc-lsp: kernels';
    const show = () => void this.show();
    this.listeners = [server.onDidChange(show), vscode.window.onDidChangeActiveTextEditor(show)];
  }

  dispose(): void {
    this.item.dispose();
    this.listeners.forEach((listener) => listener.dispose());
  }

  /** Let the person choose, one or several; with none the project's count again. */
  async choose(): Promise<void> {
    const offered = await this.offered();
    if (!offered) {
      void vscode.window.showWarningMessage('kfunc-lsp: the server is not running.');
      return;
    }
    const picker = vscode.window.createQuickPick();
    picker.title = 'Check against kernels';
    picker.placeholder = 'None: those of the settings and the project';
    picker.canSelectMany = true;
    picker.matchOnDescription = true;
    const items = (selected: boolean) =>
      offered.filter((kernel) => kernel.selected === selected).map(({ name, detail }) => ({ label: name, description: detail }));
    const chosen = items(true);
    picker.items = [...chosen, ...items(false)];
    picker.selectedItems = chosen;
    const before = picker.selectedItems.map((item) => item.label);
    picker.onDidAccept(() => {
      const names = picker.selectedItems.map((item) => item.label);
      picker.hide();
      if (names.join('\0') !== before.join('\0')) {
        void this.use(names);
      }
    });
    picker.onDidHide(() => picker.dispose());
    picker.show();
  }

  private async use(names: readonly string[]): Promise<void> {
    await this.settings.choose(names);
    await this.server.configure();
  }

  private async offered(): Promise<readonly Offered[] | undefined> {
    const uri = vscode.window.activeTextEditor?.document.uri.toString() ?? '';
    return this.server.ask<readonly Offered[]>('kfunc-lsp/kernels', { uri });
  }

  private async show(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor || !LANGUAGES.has(editor.document.languageId)) {
      this.item.hide();
      return;
    }
    const offered = await this.offered().catch(() => undefined);
    const names = offered?.filter((kernel) => kernel.selected).map((kernel) => kernel.name) ?? [];
    const words = names.length > SHOWN ? `${names.slice(0, SHOWN).join(', ')} +${names.length - SHOWN}` : names.join(', ');
    this.item.text = offered ? ['kfuncs', words].filter(Boolean).join(': ') : '$(error) kfuncs';
    this.item.command = offered ? 'kfunc-lsp.chooseKernel' : 'kfunc-lsp.showLog';
    const chosen = this.settings.chosen().length ? ', as chosen in this window' : '';
    this.item.tooltip = offered
      ? `kfunc-lsp checks against ${names.join(', ') || 'the default kernel'}${chosen}. Click to choose others.`
      : 'kfunc-lsp is not running. Click to see its log.';
    this.item.show();
  }
}
