import { reason } from '../../kinds/kind.ts';
import { isExpungeError } from '../../plan/errors.ts';
import { diagnose, type Finding } from '../../run/diagnose.ts';
import type { Given } from '../begin.ts';
import type { Io } from '../io.ts';
import type { CommonOptions } from '../options.ts';
import { serialise } from '../render/data.ts';
import { wrap } from '../render/lines.ts';
import { plain } from '../render/plain.ts';
import { withSite } from '../session.ts';

export async function doctor(command: Given): Promise<number> {
  const { io, options } = command;
  const common = options as unknown as CommonOptions;
  return withSite(command, async (site) => {
    const findings = await diagnose(site, (error) => (isExpungeError(error) ? reason(error) : null));
    const exitCode = findings.every((finding) => finding.ok) ? 0 : 4;
    if (common.format === 'text') io.out(renderFindings(findings, io));
    else {
      const data = { format: 1, command: 'doctor', exitCode, findings };
      io.out(await serialise(common.format, data));
    }
    return exitCode;
  });
}

function renderFindings(findings: readonly Finding[], io: Io): string {
  const width = Math.max(...findings.map((f) => f.place.length));
  const lines = findings.map(({ ok, place, says }) => {
    const [first = '', ...others] = wrap(
      plain(says, 400),
      io.columns,
      `         ${plain(place).padEnd(width)}  `,
      ' '.repeat(11),
    );
    const mark = ok ? io.paint.good('ok     ') : io.paint.bad('missing');
    return [`${mark}${first.slice(7)}`, ...others].join('\n');
  });
  const missing = findings.filter((finding) => !finding.ok).length;
  const all = findings.length;
  const verdict =
    missing === 0
      ? `All ${all} are there.`
      : `${missing} of ${all} missing: a purge that needs what is missing does not begin.`;
  return `${lines.join('\n')}\n\n${verdict}\n`;
}
