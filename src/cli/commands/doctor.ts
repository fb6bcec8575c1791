import { reason } from '../../kinds/kind.ts';
import { isExpungeError } from '../../plan/errors.ts';
import { diagnose } from '../../run/diagnose.ts';
import type { Given } from '../begin.ts';
import type { CommonOptions } from '../options.ts';
import { serialise } from '../render/data.ts';
import { renderFindings } from '../render/findings.ts';
import { whileLooking } from '../render/live-line.ts';
import { withSite } from '../session.ts';

export async function doctor(command: Given): Promise<number> {
  const { io, options } = command;
  const common = options as unknown as CommonOptions;
  return withSite(command, async (site) => {
    // A finding says both in one sentence, for programs; a person gets the hint on a line of its own.
    const parts = new Map<string, { readonly says: string; readonly hint: string | null }>();
    const explain = (error: unknown) => {
      if (!isExpungeError(error)) return null;
      const whole = reason(error);
      parts.set(whole, { says: error.message, hint: error.hint ?? null });
      return whole;
    };
    const findings = await whileLooking(io, common.format === 'text', () => diagnose(site, explain));
    const exitCode = findings.every((finding) => finding.ok) ? 0 : 4;
    if (common.format === 'text') {
      const told = findings.map((finding) => ({ ...finding, hint: null, ...parts.get(finding.says) }));
      io.out(renderFindings(told, io));
    } else {
      const data = { format: 1, command: 'doctor', exitCode, findings };
      io.out(await serialise(common.format, data));
    }
    return exitCode;
  });
}
