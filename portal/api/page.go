package api

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// PageQuery asks for one page of a list. Embedded in an input it must be exported to be filled.
type PageQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most entries to return."`
	Cursor string `query:"cursor" maxLength:"2048" doc:"Where to go on: next_cursor of the page before."`
}

// Page is one page of a list.
type Page[T any] struct {
	Items      []T    `json:"items" nullable:"false"`
	NextCursor string `json:"next_cursor,omitempty" doc:"Cursor of the next page; absent on the last one."`
}

type pageOutput[T any] struct {
	Link string `header:"Link" doc:"The next page as rel=next (RFC 8288); absent on the last one."`
	Body Page[T]
}

// paginate sorts all by key, which must be unique, and returns the page that follows the cursor. The cursor names the
// last key seen, not an offset: an entry that comes or goes moves no other across a page border.
func paginate[T any](q PageQuery, path string, filter url.Values, all []T, key func(T) string) (*pageOutput[T], error) {
	after, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil {
		return nil, invalid("query.cursor", errBadCursor.Error())
	}
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	start := 0
	if q.Cursor != "" {
		var found bool
		start, found = slices.BinarySearchFunc(all, string(after), func(v T, k string) int { return strings.Compare(key(v), k) })
		if found {
			start++
		}
	}
	rest := all[start:]
	out := &pageOutput[T]{}
	if len(rest) > q.Limit {
		rest = rest[:q.Limit]
		out.Body.NextCursor = base64.RawURLEncoding.EncodeToString([]byte(key(rest[len(rest)-1])))
		next := url.Values{"cursor": {out.Body.NextCursor}, "limit": {strconv.Itoa(q.Limit)}}
		for k, v := range filter {
			if len(v) > 0 && v[0] != "" {
				next[k] = v
			}
		}
		out.Link = "<" + path + "?" + next.Encode() + `>; rel="next"`
	}
	out.Body.Items = append([]T{}, rest...) // an empty list is [], never null
	return out, nil
}

// invalid is answered 422 and names the field at fault, never its value.
func invalid(location, message string) error {
	return huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: location, Message: message})
}
