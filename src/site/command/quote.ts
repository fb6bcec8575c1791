/** The one place where argv becomes text for a shell: ssh has no other way. */

/** Inside single quotes only the quote itself means something. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function quoteArgv(argv: readonly string[]): string {
  return argv
    .map((arg, i) => {
      // The first word with an equals sign would be an assignment, and the second one the program.
      const plain = /^[A-Za-z0-9_./:=@%+,-]+$/.test(arg) && !(i === 0 && arg.includes('='));
      return plain ? arg : quoted(arg);
    })
    .join(' ');
}

/**
 * One command with what it reads from its standard input. `printf` is the shell's own, so what it is given stands in no list of
 * processes; the exit code is that of argv, the last of the pipe.
 *
 * @param input not there: the command reads nothing. Otherwise it would eat the commands after it.
 */
export function quoteCommand(argv: readonly string[], input?: string): string {
  if (input === undefined) return `${quoteArgv(argv)} </dev/null`;
  return `printf %s ${quoted(input)} | ${quoteArgv(argv)}`;
}
