// Where a literal stands in an operation: for complaints of scalars, which are handed the literal and nothing else.

import type { ASTNode, ASTVisitor, ValueNode } from 'graphql'

/** Of the values of documents that have been validated, or are being validated: `Argument "input.lines[0]"`, in two parts. */
const places = new WeakMap<ValueNode, Place>()

interface Place {
  what: 'Argument' | 'Variable'
  /** Without what leads to it inside: that is `at`. */
  name: string
  at: string
}

/** A rule that refuses nothing: it takes note of where values stand. Whoever asks of a value asks after its parents were entered. */
export function placeRule(): ASTVisitor {
  const within = (parent: ValueNode, step: string, value: ValueNode) => {
    const place = places.get(parent)
    if (place) places.set(value, { ...place, at: place.at + step })
  }
  return {
    Argument({ name, value }) {
      places.set(value, { what: 'Argument', name: name.value, at: '' })
    },
    VariableDefinition({ variable, defaultValue }) {
      if (defaultValue) places.set(defaultValue, { what: 'Variable', name: `$${variable.name.value}`, at: '' })
    },
    ObjectField({ name, value }, _key, _parent, _path, ancestors) {
      const object = objectOf(ancestors)
      if (object) within(object, `.${name.value}`, value)
    },
    ListValue(list) {
      list.values.forEach((value, index) => within(list, `[${index}]`, value))
    },
  }
}

/** The object that a field is of: the last ancestor is the list of its fields. */
function objectOf(ancestors: readonly (ASTNode | readonly ASTNode[])[]): ValueNode | undefined {
  return ancestors.findLast(one => !Array.isArray(one)) as ValueNode | undefined
}

/** Returns how a complaint about a value begins: `Argument "input.lines[0]"`; `at` leads on to a part of the value. */
export function placeOf(value: ValueNode, at = ''): string | undefined {
  const place = places.get(value)
  return place && `${place.what} "${place.name}${place.at}${at}"`
}
