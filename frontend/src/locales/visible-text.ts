/** Finds text that is displayed without being translated; for the tests of the messages. */
import ts from 'typescript'
import { parse } from 'vue/compiler-sfc'

type Template = NonNullable<ReturnType<typeof parse>['descriptor']['template']>
type Node = NonNullable<Template['ast']>['children'][number]

// From @vue/compiler-core, which is not a direct dependency of the application.
const ELEMENT = 1
const TEXT = 2
const INTERPOLATION = 5
const ATTRIBUTE = 6

const ATTRIBUTES = new Set(['alt', 'aria-description', 'aria-label', 'aria-roledescription', 'aria-valuetext', 'hint', 'label', 'placeholder', 'text', 'title'])
const PROPERTIES = new Set(['alt', 'ariaLabel', 'innerText', 'placeholder', 'textContent', 'title'])
const WORD = /\p{L}{2,}/u

/** Return the untranslated texts of a single-file component, in order of appearance. */
export function untranslated(source: string, filename = 'component.vue'): string[] {
  const { descriptor, errors } = parse(source, { filename })
  if (errors.length > 0) throw new Error(`${filename}: ${String(errors[0])}`)
  const shown = (descriptor.template?.ast?.children ?? []).flatMap(ofNode)
  const written = untranslatedInScript(`${descriptor.script?.content ?? ''}\n${descriptor.scriptSetup?.content ?? ''}`)
  return [...shown.filter((text) => WORD.test(text)), ...written]
}

/** Like `untranslated`, for a script that writes to the page directly. */
export function untranslatedInScript(source: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken && ts.isPropertyAccessExpression(node.left) && PROPERTIES.has(node.left.name.text)) found.push(...values(node.right))
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) && node.expression.name.text === 'setAttribute') {
      const [name, value] = node.arguments
      if (name && value && ts.isStringLiteralLike(name) && ATTRIBUTES.has(name.text)) found.push(...values(value))
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('script.ts', source, ts.ScriptTarget.ES2022))
  return found.filter((text) => WORD.test(text))
}

function ofNode(node: Node): string[] {
  if (node.type === TEXT) return [node.content.trim()]
  if (node.type === INTERPOLATION) return ofExpression(node.content.loc.source)
  if (node.type !== ELEMENT) return []
  const own = node.props.flatMap((prop): string[] => {
    if (prop.type === ATTRIBUTE) return ATTRIBUTES.has(prop.name) ? [prop.value?.content ?? ''] : []
    const bound = prop.name === 'bind' && prop.arg?.loc.source
    return bound && ATTRIBUTES.has(bound) ? ofExpression(prop.exp?.loc.source ?? '') : []
  })
  return [...own, ...node.children.flatMap(ofNode)]
}

function ofExpression(source: string): string[] {
  const [statement] = ts.createSourceFile('expression.ts', `(${source})`, ts.ScriptTarget.ES2022).statements
  return statement && ts.isExpressionStatement(statement) ? values(statement.expression) : []
}

/** Return the possible texts of an expression. Arguments of functions, such as keys, do not count. */
function values(node: ts.Expression): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text.trim()]
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isNonNullExpression(node)) return values(node.expression)
  if (ts.isConditionalExpression(node)) return [...values(node.whenTrue), ...values(node.whenFalse)]
  if (ts.isTemplateExpression(node)) {
    const written = [node.head.text, ...node.templateSpans.map((span) => span.literal.text)].join(' ').trim()
    return [written, ...node.templateSpans.flatMap((span) => values(span.expression))]
  }
  if (ts.isBinaryExpression(node)) {
    const operator = node.operatorToken.kind
    if (operator === ts.SyntaxKind.AmpersandAmpersandToken) return values(node.right)
    const joins = [ts.SyntaxKind.PlusToken, ts.SyntaxKind.BarBarToken, ts.SyntaxKind.QuestionQuestionToken]
    return joins.includes(operator) ? [...values(node.left), ...values(node.right)] : []
  }
  return []
}
