package provision

import "strings"

// model is what profiles must know of a series of phones.
type model struct {
	extensions int // lines that the phone can have
	lineKeys   int
}

// models are the MPP phones by the number in their names.
var models = map[string]model{
	"6821": {2, 2}, "6841": {4, 4}, "6851": {4, 4}, "6861": {4, 4}, "6871": {6, 6},
	"7811": {1, 1}, "7821": {2, 2}, "7832": {1, 0}, "7841": {4, 4}, "7861": {16, 16},
	"8811": {16, 10}, "8841": {16, 10}, "8845": {16, 10}, "8851": {16, 10}, "8861": {16, 10}, "8865": {16, 10},
	"8832": {1, 0},
}

// modelOf reads a model's name such as CP-8865-3PCC; of others it knows only how many lines they need.
func modelOf(name string, lines int) model {
	for part := range strings.SplitSeq(name, "-") {
		if m, ok := models[part]; ok {
			return m
		}
	}
	return model{extensions: max(lines, 2), lineKeys: max(lines, 2)}
}
