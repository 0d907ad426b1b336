// The outputs of every command: one that cannot be written to ends nothing, and holds up nothing.

/**
 * From now on no process dies of its outputs. A reader that has gone is no failure: it has seen enough, as `head` has. Any
 * other loss of what was asked for is said on the standard error, and makes the exit code 1.
 */
export function bearLostOutput(): void {
  let said = false
  process.stderr.on('error', () => {})
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE' || said) return
    said = true
    process.exitCode = 1
    process.stderr.write(`swf-gateway: OUTPUT_LOST: The standard output takes nothing more: ${message}\n`)
  })
}
