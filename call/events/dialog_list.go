package events

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"passerelle/internal/bodyxml"
	"passerelle/sip"
)

// Lists knows the lists of lines that phones watch as one, such as those of BLF_List_URI.
type Lists interface {
	// List returns the members of the list with that URI user and host, as the line may see it; ok is false when there is no
	// such list for it. It must not wait.
	List(watcher sip.AOR, name, host string) (members []Member, ok bool)
}

// Member is a line on a list.
type Member struct {
	AOR  sip.AOR
	URI  string // as the phone is to show and to dial it
	Name string
}

// RLMIType is the media type of the index of a list (RFC 4662 §5).
const RLMIType = "application/rlmi+xml"

const multipartRelated = "multipart/related"

var errExtensionRequired = &sip.StatusError{Code: 421, Err: errors.New("the phone does not support lists")}

// listWatch is what a subscription to a list has been told. It belongs to the subscription's owner.
type listWatch struct {
	name, host string
	uri        string
	members    []Member
	views      []listedView
	stale      atomic.Bool // the list may be another one now; set by anybody
}

// listedView is what was told of one member: a virtual subscription (RFC 4662 §4.6) with versions of its own.
type listedView struct {
	view
	version uint32
}

// subscribeList makes a watch of a list (RFC 4662 §4).
func (d *Dialogs) subscribeList(w *watch) error {
	s := w.sub
	if d.cfg.Lists == nil {
		return errNotFound
	}
	r := s.Resource()
	l := &listWatch{name: r.User, host: r.Host, uri: entityOf(s)}
	members, ok := d.cfg.Lists.List(s.AOR(), l.name, l.host)
	switch {
	case !ok:
		return errNotFound
	case !s.Supports("eventlist"):
		return errExtensionRequired
	case !s.Accepts(multipartRelated) || !s.Accepts(RLMIType) || !s.Accepts(DialogType):
		return errAccept
	}
	s.Require("eventlist")
	l.set(members)
	w.list = l
	return nil
}

func (l *listWatch) set(members []Member) {
	l.members = members
	l.views = make([]listedView, len(members))
}

func (l *listWatch) lines() []sip.AOR {
	all := make([]sip.AOR, len(l.members))
	for i, m := range l.members {
		all[i] = m.AOR
	}
	return all
}

// part is one member in a NOTIFY.
type part struct {
	id     int // of the instance: the member's place on the list
	member Member
	cid    string
	body   []byte
}

// showList is the state of a list. Each member that is told is told in full; a NOTIFY with news names only those that have
// some.
func (w *watch) showList(full bool) (string, []byte) {
	l, now := w.list, time.Now()
	if full || l.stale.Load() {
		l.stale.Store(false) // before it is read
		full = w.reread() || full
	}
	var parts []part
	for i := range l.members {
		v := &l.views[i]
		news := v.news(w.d.board, l.members[i].AOR, w.pass)
		if !full && len(news) == 0 {
			continue
		}
		dialogs := v.all(w.d.board, l.members[i].AOR, w.pass)
		parts = append(parts, part{
			id: i + 1, member: l.members[i], cid: w.contentID(i + 1),
			body: dialogInfo(v.version, true, l.members[i].URI, dialogs, now),
		})
		v.version++
	}
	if !full && len(parts) == 0 {
		return multipartRelated, nil
	}
	contentType, body := w.related(full, parts)
	w.version++
	return contentType, body
}

// reread takes the list as it is now, and reports whether it has changed.
func (w *watch) reread() bool {
	l := w.list
	members, ok := w.d.cfg.Lists.List(w.sub.AOR(), l.name, l.host)
	switch {
	case !ok:
		w.sub.Terminate(sip.EndNoResource, 0)
	case !slices.Equal(members, l.members):
		l.set(members)
		w.d.shown.again(w, l.lines()...)
		return true
	}
	return false
}

// contentID is different for each part of each NOTIFY; 0 is the index.
func (w *watch) contentID(i int) string {
	id := w.sub.ID()
	return strconv.Itoa(i) + "." + strconv.FormatUint(uint64(w.version), 10) + "." + string(id.LocalTag) + "@" + w.list.host
}

// related puts index and members into one body (RFC 4662 §4.5, RFC 2387).
func (w *watch) related(full bool, parts []part) (contentType string, body []byte) {
	var index bytes.Buffer
	index.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
	fmt.Fprintf(&index, `<list xmlns="urn:ietf:params:xml:ns:rlmi" uri="%s" version="%d" fullState="%t">`+"\n", bodyxml.Text(w.list.uri), w.version, full)
	for _, p := range parts {
		fmt.Fprintf(&index, "  <resource uri=\"%s\">\n", bodyxml.Text(p.member.URI))
		if p.member.Name != "" {
			fmt.Fprintf(&index, "    <name>%s</name>\n", bodyxml.Text(p.member.Name))
		}
		fmt.Fprintf(&index, "    <instance id=\"%d\" state=\"active\" cid=\"%s\"/>\n  </resource>\n", p.id, bodyxml.Text(p.cid))
	}
	index.WriteString("</list>\n")

	boundary := "part-" + string(w.sub.ID().LocalTag)
	root := w.contentID(0)
	var b bytes.Buffer
	write := func(cid, contentType string, body []byte) {
		fmt.Fprintf(&b, "--%s\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <%s>\r\nContent-Type: %s\r\n\r\n", boundary, cid, contentType)
		b.Write(body)
		b.WriteString("\r\n")
	}
	write(root, RLMIType+`;charset="UTF-8"`, index.Bytes())
	for _, p := range parts {
		write(p.cid, DialogType, p.body)
	}
	b.WriteString("--" + boundary + "--\r\n")
	return fmt.Sprintf(`%s;type="%s";start="<%s>";boundary="%s"`, multipartRelated, RLMIType, root, boundary), b.Bytes()
}

// ListsChanged shows those lists anew that have changed, if any has. It never waits.
func (d *Dialogs) ListsChanged() {
	for _, w := range d.shown.all() {
		if w.list != nil {
			w.list.stale.Store(true)
			w.sub.Changed()
		}
	}
}
