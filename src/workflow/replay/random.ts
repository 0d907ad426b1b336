// Random numbers that are the same in every replay: seeded by the run id.

/** Returns a generator of numbers from 0 to 1 (sfc32, seeded by a 128-bit FNV-like hash of the text). */
export function randomSequence(seed: string): () => number {
  let [a, b, c, d] = hash(seed)
  const next = () => {
    const t = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return (t >>> 0) / 4_294_967_296
  }
  for (let n = 0; n < 12; n++) next()
  return next
}

/** Returns 16 hexadecimal digits that stand for a text: enough to tell the runs of one workflow apart, no secret. */
export function hashed(text: string): string {
  const digits = (part: number) => (part >>> 0).toString(16).padStart(8, '0')
  const [a, b] = hash(text)
  return digits(a) + digits(b)
}

function hash(text: string): [number, number, number, number] {
  let [a, b, c, d] = [1_779_033_703, 3_144_134_277, 1_013_904_242, 2_773_480_762]
  for (let n = 0; n < text.length; n++) {
    const code = text.charCodeAt(n)
    a = b ^ Math.imul(a ^ code, 597_399_067)
    b = c ^ Math.imul(b ^ code, 2_869_860_233)
    c = d ^ Math.imul(c ^ code, 951_274_213)
    d = a ^ Math.imul(d ^ code, 2_716_044_179)
  }
  return [a | 0, b | 0, c | 0, d | 0]
}
