package sitefile

// kind is the shape of a node.
type kind int

const (
	scalar kind = iota
	mapping
	sequence
	null
	refused // a fault was reported for it
)

// node is a piece of a file, whatever its format. Scalars keep the characters of the file.
type node struct {
	kind    kind
	text    string // of a scalar
	quoted  bool   // the scalar is surely a text
	at      position
	entries []entry // of a mapping, in order
	items   []*node // of a sequence
}

// entry is a key of a mapping with its value.
type entry struct {
	key   string
	at    position
	value *node
}

// position is a place in a file.
type position struct {
	file         string
	line, column int
}

// describe names the shape for messages.
func (n *node) describe() string {
	switch n.kind {
	case mapping:
		return "a mapping"
	case sequence:
		return "a list"
	case null:
		return "nothing"
	default:
		return "a single value"
	}
}

// get finds a key of a mapping.
func (n *node) get(key string) *node {
	for _, e := range n.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}
