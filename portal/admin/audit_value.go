package admin

import (
	"encoding/json"
	"fmt"
	"strings"

	"passerelle/portal/i18n"
)

// rawText is a value of the journal as people read it.
func rawText(speak *i18n.Printer, raw json.RawMessage) string {
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return ""
	}
	return valueText(speak, v)
}

func valueText(speak *i18n.Printer, v any) string {
	switch v := v.(type) {
	case nil:
		return speak.T("audit.nothing")
	case bool:
		if v {
			return speak.T("audit.yes")
		}
		return speak.T("audit.no")
	case string:
		switch {
		case v == "":
			return speak.T("audit.nothing")
		case strings.HasPrefix(v, "+"):
			return i18n.Phone(v)
		case speak.Has("role." + v):
			return speak.T("role." + v)
		case speak.Has("pack." + v):
			return speak.T("pack." + v)
		}
		return v
	case []any:
		texts := make([]string, len(v))
		for i, one := range v {
			texts[i] = valueText(speak, one)
		}
		return strings.Join(texts, ", ")
	case map[string]any:
		raw, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(raw)
	default:
		return fmt.Sprint(v)
	}
}
