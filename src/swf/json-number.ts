// Numbers of JSON, which may have as many digits as they like, read as the doubles that JavaScript has.
//
// N1. A number is kept when a double says the same: when it is the double's shortest form, as JavaScript, Python and Java write
//     it. A whole number is kept too when the double is exactly that number; a fraction, when the double printed with as many
//     digits has these, since others write doubles with 17 digits.

/** Tells whether a number of JSON is kept when it is read as a double: 9007199254740993, 1e400 and 1e-400 are not. */
export function isKept(text: string): boolean {
  const number = Number(text)
  const decimal = decimalOf(text)
  if (decimal === undefined || !Number.isFinite(number)) return false
  if (decimal === decimalOf(String(number))) return true
  const [digits, exponent] = decimal.replace(/^-/, '').split('e') as [string, string]
  if (Number(exponent) >= 0) return decimal === decimalOf(String(BigInt(number)))
  return digits.length <= MOST_DIGITS && decimal === decimalOf(number.toPrecision(digits.length))
}

/** Tells whether a number that was read as a double may have been another one before: a whole one this large, or an endless one. */
export function mayBeRounded(number: number): boolean {
  return !Number.isFinite(number) || (Number.isInteger(number) && !Number.isSafeInteger(number))
}

/** Returns the first number in a text of JSON that is not kept; undefined when all are. */
export function roundedIn(json: string): string | undefined {
  if (!SUSPICIOUS.test(json)) return undefined
  for (const [token] of json.matchAll(TOKENS)) if (!token.startsWith('"') && !isKept(token)) return token
  return undefined
}

/** What `toPrecision` can print. */
const MOST_DIGITS = 100
/** Fewer digits are always kept. */
const SUSPICIOUS = /[\d.]{16}|\d[eE][-+]?\d/
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g

/** Returns a number as digits without zeros around them, and an exponent: one text for one number. */
function decimalOf(text: string): string | undefined {
  const match = /^-?(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(text)
  if (!match) return undefined
  const [, whole, fraction = '', exponent = '0'] = match as unknown as [string, string, string?, string?]
  const digits = (whole + fraction).replace(/^0+/, '')
  // No pattern: /0+$/ takes the square of its time for many zeros with another digit behind them.
  let end = digits.length
  while (digits[end - 1] === '0') end--
  const significant = digits.slice(0, end)
  if (significant === '') return '0e0'
  return `${text.startsWith('-') ? '-' : ''}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`
}
