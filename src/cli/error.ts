/** What went wrong on the command line, with a code and a message that says what to do. `exitCode` 2: wrong usage. */
export class CliError extends Error {
  override readonly name = 'CliError'
  constructor(
    readonly code: string,
    message: string,
    readonly exitCode = 1,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}
