/** The one place where argv becomes text for a shell: ssh has no other way. */
export function quoteArgv(argv: readonly string[]): string {
  return argv
    .map((arg, i) => {
      // The first word with an equals sign would be an assignment, and the second one the program.
      const plain = /^[A-Za-z0-9_./:=@%+,-]+$/.test(arg) && !(i === 0 && arg.includes('='));
      return plain ? arg : `'${arg.replaceAll("'", "'\\''")}'`;
    })
    .join(' ');
}
