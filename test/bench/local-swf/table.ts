// Tables on a terminal.

type Cell = string | number

const text = (cell: Cell) =>
  typeof cell === 'string' ? cell : cell.toLocaleString('en-US', { maximumFractionDigits: cell < 10 ? 2 : 0 })

/** Prints a title, the heads of the columns and the rows; the columns but the first stand to the right. */
export function table(title: string, heads: readonly string[], rows: readonly (readonly Cell[])[]): void {
  const lines = [heads, ...rows.map(row => row.map(text))]
  const widths = heads.map((_, i) => Math.max(...lines.map(line => line[i]?.length ?? 0)))
  console.log(`\n${title}`)
  for (const line of lines) {
    const cells = line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
    console.log(`  ${cells.join('  ').trimEnd()}`)
  }
}

/** A figure beside its aim: `17,000 (aim 15,000)`; one that is missed says so. */
export function aimed(
  figure: number,
  aim: number | undefined,
  isMet: (figure: number, aim: number) => boolean,
  unit = '',
): string {
  if (aim === undefined) return text(figure) + unit
  return `${text(figure)}${unit} (aim ${text(aim)}${isMet(figure, aim) ? '' : ', missed'})`
}
export const atLeast = (figure: number, aim: number): boolean => figure >= aim
export const below = (figure: number, aim: number): boolean => figure < aim

export const median = (figures: readonly number[]): number => percentile(figures, 0.5)
export function percentile(figures: readonly number[], p: number): number {
  const sorted = Float64Array.from(figures).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? NaN
}
