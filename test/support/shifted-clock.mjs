// Preloaded into a process of a test (`node --import`): its wall clock is CLOCK_AHEAD milliseconds off, and is set by CLOCK_JUMP
// more with every SIGUSR2, as an operator or a time server may do at any moment. What measures durations is left alone.

const RealDate = Date
const { CLOCK_AHEAD = '0', CLOCK_JUMP = '0' } = process.env
let off = Number(CLOCK_AHEAD)
process.on('SIGUSR2', () => {
  off += Number(CLOCK_JUMP)
  process.stdout.write(`the clock is off by ${off} ms\n`)
})

globalThis.Date = class Date extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + off)
    else super(...args)
  }
  static now() {
    return RealDate.now() + off
  }
}
