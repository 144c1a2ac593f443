// What the server gets to know of the settings: the options of its own table, and the kernels chosen for this window.
import * as vscode from 'vscode';

export const SECTION = 'kfunc-lsp';

const CHOSEN = 'kernels';

/** The settings of this window. Kernels that are chosen here go over the setting, and stay in this workspace. */
export class Settings {
  constructor(private readonly state: vscode.Memento) {}

  /** A setting of the extension itself. */
  own(name: string): string {
    return vscode.workspace.getConfiguration(SECTION).get<string>(name, '').trim();
  }

  /** The options of the server's table. */
  options(): Record<string, unknown> {
    const { server: _server, trace: _trace, ...options } = { ...vscode.workspace.getConfiguration(SECTION) };
    const values = Object.entries(options).filter(([, value]) => typeof value !== 'function');
    const chosen = this.chosen();
    return { ...Object.fromEntries(values), ...(chosen.length ? { kernels: chosen } : {}) };
  }

  /** The kernels chosen in this window; none where those of the settings and the project count. */
  chosen(): readonly string[] {
    return this.state.get<string[]>(CHOSEN, []);
  }

  async choose(kernels: readonly string[]): Promise<void> {
    await this.state.update(CHOSEN, kernels.length ? kernels : undefined);
  }
}
