package sitefile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"reflect"
	"strings"

	"passerelle/directory"
)

// siteColumn names the site of each user, by its name or its domain.
const siteColumn = "site"

// sheet is a CSV file under way.
type sheet struct {
	*reader
	file    string
	csv     *csv.Reader
	columns []column
	siteAt  int // the column of the site, -1 if there is none
	sites   map[string]*directory.Site
	stored  map[directory.Number]*directory.User // users the server has already
	lone    *directory.Site                      // the only site, for files without a site column
}

// users adds the users of a CSV file to e. A row whose number a user of the site has in the
// server already changes that user's given columns; the other rows are new users.
func (r *reader) users(src Source, e *directory.Enterprise) {
	if !r.text(src) {
		return
	}
	sh := r.newSheet(src, e)
	header, err := sh.csv.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			r.fault(position{file: src.Name}, "", "is empty")
		} else {
			sh.syntax(err)
		}
		return
	}
	if !sh.header(header) {
		return
	}
	for {
		record, err := sh.csv.Read()
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			sh.syntax(err)
			return
		}
		sh.row(record)
	}
}

// newSheet prepares to read. Spreadsheets of countries with a decimal comma part cells by semicolons.
func (r *reader) newSheet(src Source, e *directory.Enterprise) *sheet {
	data := bytes.TrimPrefix(src.Data, []byte("\ufeff"))
	cr := csv.NewReader(bytes.NewReader(data))
	cr.FieldsPerRecord = -1 // told by row
	cr.ReuseRecord = true
	first, _, _ := bytes.Cut(data, []byte("\n"))
	if bytes.ContainsRune(first, ';') && !bytes.ContainsRune(first, ',') {
		cr.Comma = ';'
	}
	sh := &sheet{
		reader: r, file: src.Name, csv: cr, siteAt: -1,
		sites: make(map[string]*directory.Site), stored: make(map[directory.Number]*directory.User),
	}
	for _, s := range e.Sites {
		sh.sites[s.Domain], sh.sites[s.Name] = s, s
		for _, u := range s.Users {
			if _, read := r.places[place{u, ""}]; !read && u.Number != "" {
				sh.stored[u.Number] = u
			}
		}
	}
	if len(e.Sites) == 1 {
		sh.lone = e.Sites[0]
	}
	return sh
}

// syntax keeps the place and the cause of a CSV error.
func (sh *sheet) syntax(err error) {
	at := position{file: sh.file}
	var pe *csv.ParseError
	if errors.As(err, &pe) {
		at.line, at.column = pe.Line, max(pe.Column, 1)
		err = pe.Err
	}
	sh.fault(at, "", "is not CSV: %v", err)
	sh.broken = true
}

// header reads the names of the columns; false means that rows would make no sense.
func (sh *sheet) header(names []string) bool {
	seen := make(map[string]bool)
	for i, name := range names {
		name = strings.TrimSpace(name)
		at := sh.at(i)
		if seen[name] {
			sh.fault(at, name, "is given twice")
		}
		seen[name] = true
		if name == siteColumn {
			sh.siteAt = i
			sh.columns = append(sh.columns, column{name: name})
			continue
		}
		col, cause := parseColumn(name)
		if cause != "" {
			sh.fault(at, name, "%s", cause)
		}
		sh.columns = append(sh.columns, col)
	}
	if sh.siteAt < 0 && sh.lone == nil {
		sh.fault(position{file: sh.file, line: 1, column: 1}, siteColumn, "is missing: there is more than one site, or none")
		return false
	}
	return true
}

// at is the place of a cell of the present row.
func (sh *sheet) at(i int) position {
	line, col := sh.csv.FieldPos(i)
	return position{file: sh.file, line: line, column: col}
}

// row reads one user.
func (sh *sheet) row(cells []string) {
	start := sh.at(0)
	if len(cells) != len(sh.columns) {
		sh.fault(start, "", "the row has %d cells, the header has %d", len(cells), len(sh.columns))
		return
	}
	site := sh.lone
	if sh.siteAt >= 0 {
		name := strings.TrimSpace(cells[sh.siteAt])
		if site = sh.sites[name]; site == nil {
			site = sh.sites[strings.ToLower(name)]
		}
		if site == nil {
			sh.fault(sh.at(sh.siteAt), siteColumn, "there is no site named %q", name)
			return
		}
	}
	root := &node{kind: mapping, at: start}
	for i, cell := range cells {
		if cell = strings.TrimSpace(cell); cell != "" && i != sh.siteAt && sh.columns[i].path != nil {
			sh.columns[i].put(root, cell, sh.at(i))
		}
	}
	u := sh.user(site, root)
	sh.object(root, reflect.ValueOf(u), "", person)
}

// user gives the user that the row is about: one the server has, or a new one.
func (sh *sheet) user(site *directory.Site, root *node) *directory.User {
	if n := root.get("number"); n != nil {
		number := directory.Number(n.text)
		if u := sh.stored[number]; u != nil && isOf(site, u) {
			delete(sh.stored, number) // a second row with the number is a duplicate
			return u
		}
	}
	u := directory.NewUser(directory.Person)
	site.Users = append(site.Users, u)
	return u
}

func isOf(site *directory.Site, u *directory.User) bool {
	for _, have := range site.Users {
		if have == u {
			return true
		}
	}
	return false
}
