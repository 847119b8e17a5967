package page

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"passerelle/portal/i18n"
)

// PerPage is how many rows a page of a list has.
const PerPage = 50

// maxQuery bounds what is searched for, in bytes.
const maxQuery = 200

// Query is what a list is asked for by the address of its page: q, sort (a column, with a minus sign descending), page.
type Query struct {
	Text string // as typed
	Sort string
	Desc bool
	Page int // from 1

	words []string
	tel   string // the digits of a text that has only what numbers are written with
}

// ReadQuery reads a list's query; what it does not understand it leaves out. columns are those that sort, the first one by
// default.
func ReadQuery(r *http.Request, columns ...string) Query {
	v := r.URL.Query()
	q := Query{Text: strings.TrimSpace(v.Get("q")), Page: 1}
	if len(q.Text) > maxQuery {
		q.Text = q.Text[:maxQuery]
	}
	q.Text = strings.ToValidUTF8(q.Text, "")
	q.words = strings.Fields(i18n.Fold(q.Text))
	if number := strings.NewReplacer(" ", "", ".", "", "-", "", "\u00a0", "", "\u202f", "").Replace(q.Text); number != "" && strings.Trim(number, "+0123456789") == "" {
		q.tel = strings.TrimPrefix(number, "+")
		if national := strings.TrimPrefix(q.tel, "0"); len(national) >= 4 { // +33 1 70… is dialled 01 70…
			q.tel = national
		}
	}
	sort, desc := strings.CutPrefix(v.Get("sort"), "-")
	switch {
	case slices.Contains(columns, sort):
		q.Sort, q.Desc = sort, desc
	case len(columns) > 0:
		q.Sort = columns[0]
	}
	if n, err := strconv.Atoi(v.Get("page")); err == nil && n > 1 && n < 1_000_000 {
		q.Page = n
	}
	return q
}

// Matches says whether every word of the query is in one of the texts, or the query is part of a number among them.
func (q Query) Matches(texts ...string) bool {
	if len(q.words) == 0 {
		return true
	}
	if q.tel != "" {
		for _, t := range texts {
			if strings.Contains(t, q.tel) {
				return true
			}
		}
		if len(q.words) > 1 {
			return false
		}
	}
	for _, w := range q.words {
		if !slices.ContainsFunc(texts, func(t string) bool { return t != "" && strings.Contains(i18n.Fold(t), w) }) {
			return false
		}
	}
	return true
}

// List is one page of rows.
type List[T any] struct {
	Query Query
	Rows  []T
	Total int // rows of all pages
	Pages int
}

// Cut sorts rows by less and takes the query's page of them; a page behind the last is the last. less compares by the
// query's column, ascending.
func Cut[T any](q Query, rows []T, compare func(a, b T) int) List[T] {
	slices.SortStableFunc(rows, func(a, b T) int {
		if q.Desc {
			return compare(b, a)
		}
		return compare(a, b)
	})
	l := List[T]{Query: q, Total: len(rows), Pages: max(1, (len(rows)+PerPage-1)/PerPage)}
	l.Query.Page = min(q.Page, l.Pages)
	from := (l.Query.Page - 1) * PerPage
	l.Rows = rows[from:min(from+PerPage, len(rows))]
	return l
}

// Previous is the number of the page before, zero on the first.
func (l List[T]) Previous() int { return l.Query.Page - 1 }

// Next is the number of the page after, zero on the last.
func (l List[T]) Next() int {
	if l.Query.Page >= l.Pages {
		return 0
	}
	return l.Query.Page + 1
}

// URL makes addresses of a list's page with something changed.
type URL struct {
	path  string
	query url.Values
}

// ListURL is the address of a list, for a part of its page that is not asked for by that address.
func ListURL(path string, query url.Values) URL { return URL{path: path, query: query} }

// Events is the address of the list's stream.
func (u URL) Events() string { return URL{path: u.path + "/events", query: u.query}.whole() }

func (u URL) whole() string {
	v := url.Values{}
	for k, old := range u.query {
		if len(old) > 0 && old[0] != "" {
			v[k] = old[:1]
		}
	}
	if len(v) == 0 {
		return u.path
	}
	return u.path + "?" + v.Encode()
}

// Page is the address of another page of the list.
func (u URL) Page(n int) string { return u.with("page", strconv.Itoa(n)) }

// Sorted is the address of the list sorted by a column, the other way round if it is already.
func (u URL) Sorted(column string, q Query) string {
	if q.Sort == column && !q.Desc {
		column = "-" + column
	}
	return u.with("sort", column)
}

// Order is a column's order for aria-sort; empty when the list is sorted by another.
func (q Query) Order(column string) string {
	switch {
	case q.Sort != column:
		return ""
	case q.Desc:
		return "descending"
	default:
		return "ascending"
	}
}

func (u URL) with(key, value string) string {
	v := url.Values{}
	for k, old := range u.query {
		if k != key && k != "page" && len(old) > 0 && old[0] != "" {
			v[k] = old[:1]
		}
	}
	if value != "" {
		v.Set(key, value)
	}
	return u.path + "?" + v.Encode()
}

// Column is a column's head that sorts.
type Column struct {
	Name, Text, Href, Order string
}

// Head gives the head of a column.
func (f Frame) Head(text, column string, q Query) Column {
	return Column{Name: column, Text: text, Href: f.URL.Sorted(column, q), Order: q.Order(column)}
}

// Bare is the address of the page without its query.
func (u URL) Bare() string { return u.path }

// Before is the address of the part of a journal that begins before an entry; zero is the latest.
func (u URL) Before(id uint64) string {
	if id == 0 {
		return u.with("before", "")
	}
	return u.with("before", strconv.FormatUint(id, 10))
}
