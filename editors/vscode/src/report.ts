// On which kernels the program loads: the server's page in a panel, made anew when the program is saved.
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Server } from './server';

// The page needs no script to be read, and gets none; what only its script fills with life is left out.
const POLICY = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`;
const STYLE = `<style>
body { font-size: var(--vscode-font-size); margin: 1em 0; }
body.vscode-light { color-scheme: light; }
body.vscode-dark, body.vscode-high-contrast { color-scheme: dark; }
form { display: none !important; }
</style>`;
const NOTHING = '<html><head></head><body>There is no report: is it a C file, and does the server run?</body></html>';

export class Report implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  private uri = '';
  private readonly saved: vscode.Disposable;

  constructor(private readonly server: Server) {
    this.saved = vscode.workspace.onDidSaveTextDocument(async (document) => {
      if (this.panel && document.uri.toString() === this.uri) {
        await this.fill(this.panel);
      }
    });
  }

  dispose(): void {
    this.saved.dispose();
    this.panel?.dispose();
  }

  /** Show the report for the program in the active editor. */
  async show(): Promise<void> {
    const document = vscode.window.activeTextEditor?.document;
    if (!document) {
      void vscode.window.showWarningMessage('kfunc-lsp: open a BPF program first.');
      return;
    }
    this.uri = document.uri.toString();
    const title = `Kernels: ${path.basename(document.fileName)}`;
    if (this.panel) {
      this.panel.title = title;
      this.panel.reveal(undefined, true);
    } else {
      const beside = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
      this.panel = vscode.window.createWebviewPanel('kfunc-lsp.report', title, beside, { enableScripts: false });
      this.panel.onDidDispose(() => (this.panel = undefined));
    }
    await this.fill(this.panel);
  }

  private async fill(panel: vscode.WebviewPanel): Promise<void> {
    const page = await this.server.ask<string | null>('kfunc-lsp/matrix', { uri: this.uri });
    panel.webview.html = (page ?? NOTHING).replace('<head>', `<head>${POLICY}`).replace('</head>', `${STYLE}</head>`);
  }
}
