package sitefile

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The YAML parser needs time that grows with the square of the nesting, of the keys of a mapping,
// of the empty entries of a list and of the tags. No site file comes near these bounds; a file beyond them is
// not parsed at all.
const (
	maxNesting = 20
	maxRun     = 1000 // of keys of one mapping, of dashes without anything behind, and of tags
)

// parseYAML turns a file into nodes. With faults the node may be nil.
func parseYAML(name string, data []byte) (*node, []*Fault) {
	y := &yamlReader{file: name}
	tokens := lexer.Tokenize(string(data))
	if tk, cause := tooMuch(tokens); tk != nil {
		y.fault(tk, "%s", cause)
		return nil, y.faults
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		y.syntax(err)
		return nil, y.faults
	}
	var root *node
	for _, doc := range file.Docs {
		switch body := doc.Body.(type) {
		case nil:
		case *ast.DirectiveNode:
			y.fault(body.GetToken(), "YAML directives are not allowed in a site file")
		default:
			if root != nil {
				y.fault(body.GetToken(), "a second document: a site file is one YAML document")
				return root, y.faults
			}
			root = y.node(body)
		}
	}
	if root == nil && len(y.faults) == 0 {
		y.faults = append(y.faults, &Fault{File: name, Cause: "is empty"})
	}
	return root, y.faults
}

// tooMuch gives the first token beyond a bound.
func tooMuch(tokens token.Tokens) (*token.Token, string) {
	const nested = "is nested too deep for a site file"
	flow, inline, line, keys, dashes, tags := 0, 0, 0, 0, 0, 0
	for _, tk := range tokens {
		if tk.Position != nil && tk.Position.Line != line {
			line, inline = tk.Position.Line, 0
		}
		dashes++
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
			keys, dashes = 0, 0
		case token.SequenceEndType, token.MappingEndType:
			flow--
			keys, dashes = 0, 0
		case token.SequenceEntryType, token.MappingKeyType:
			inline++ // "- - - x" and "? ? ? x" nest without brackets
			keys = 0
		case token.MappingValueType:
			keys++
			dashes = 0
		case token.TagType:
			tags++
		default:
			dashes = 0
		}
		switch {
		case flow > maxNesting, inline > maxNesting, tk.Position != nil && tk.Position.IndentNum > 8*maxNesting:
			return tk, nested
		case keys > maxRun:
			return tk, "has more keys in one mapping than any site file"
		case dashes > maxRun:
			return tk, "is a list of nothing"
		case tags > maxRun:
			return tk, "has tags, which are not allowed in a site file"
		}
	}
	return nil, ""
}

// yamlReader turns the parser's tree into nodes.
type yamlReader struct {
	file   string
	faults []*Fault
}

func (y *yamlReader) fault(tk *token.Token, format string, args ...any) {
	at := y.position(tk)
	y.faults = append(y.faults, newFault(at, "", format, args...))
}

// syntax keeps the parser's message and place, but not its excerpt of the file: it may show a secret.
func (y *yamlReader) syntax(err error) {
	var known yaml.Error
	if errors.As(err, &known) && known.GetToken() != nil {
		y.fault(known.GetToken(), "%s", known.GetMessage())
		return
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	y.faults = append(y.faults, &Fault{File: y.file, Cause: "is not YAML: " + first})
}

func (y *yamlReader) position(tk *token.Token) position {
	if tk == nil || tk.Position == nil {
		return position{file: y.file}
	}
	return position{file: y.file, line: tk.Position.Line, column: tk.Position.Column}
}

// node converts one node of the tree; what a site file may not have becomes a fault.
func (y *yamlReader) node(n ast.Node) *node {
	out := &node{kind: scalar, at: y.position(n.GetToken())}
	switch n := n.(type) {
	case *ast.MappingNode:
		out.kind = mapping
		if len(n.Values) > 0 && !n.IsFlowStyle {
			out.at = y.position(n.Values[0].Key.GetToken())
		}
		for _, v := range n.Values {
			y.entry(out, v)
		}
	case *ast.MappingValueNode:
		out.kind = mapping
		out.at = y.position(n.Key.GetToken())
		y.entry(out, n)
	case *ast.SequenceNode:
		out.kind = sequence
		for _, v := range n.Values {
			out.items = append(out.items, y.node(v))
		}
	case *ast.NullNode:
		out.kind = null
	case *ast.StringNode:
		out.text = n.Value
		out.quoted = n.Token != nil && (n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType)
	case *ast.LiteralNode:
		out.text, out.quoted = n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		out.text = n.GetToken().Value
	case *ast.AnchorNode, *ast.AliasNode:
		out.kind = refused
		y.fault(n.GetToken(), "anchors and aliases are not allowed in a site file")
	default:
		out.kind = refused
		y.fault(n.GetToken(), "%s is not allowed in a site file", strings.ToLower(n.Type().String()))
	}
	return out
}

// entry adds a key and its value to the mapping.
func (y *yamlReader) entry(out *node, v *ast.MappingValueNode) {
	at := y.position(v.Key.GetToken())
	key, ok := v.Key.(ast.ScalarNode)
	if _, merge := v.Key.(*ast.MergeKeyNode); merge || !ok {
		y.fault(v.Key.GetToken(), "a key must be a plain word")
		return
	}
	name := key.GetToken().Value
	value := &node{kind: null, at: at}
	if v.Value != nil {
		value = y.node(v.Value)
	}
	if value.kind == null { // the parser puts the missing value of "key:" anywhere near
		value.at = at
	}
	out.entries = append(out.entries, entry{key: name, at: at, value: value})
}
