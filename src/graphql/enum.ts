import 'reflect-metadata'

/** Returns an object that maps each name to itself, as type-graphql wants its enums. */
export function enumOf<const N extends string>(names: Iterable<N>): { readonly [K in N]: K } {
  return Object.fromEntries([...names].map(name => [name, name])) as { [K in N]: K }
}

/** Returns the `valuesConfig` that gives each value of an enum its description. */
export function described<const N extends string>(texts: Record<N, string>): { [K in N]: { description: string } } {
  const values = Object.entries<string>(texts).map(([name, description]) => [name, { description }])
  return Object.fromEntries(values) as { [K in N]: { description: string } }
}
