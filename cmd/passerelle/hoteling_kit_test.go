package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/hoteling"
	"passerelle/softphone"
)

// mpp is a desk phone with the keys Guest In and Guest Out.
type mpp struct {
	*ringing
	w   *world
	sub *softphone.Subscription
}

// shown is what a NOTIFY of the hoteling package has the phone show.
type shown struct{ guest, expires, nonce string }

var hotelingElement = regexp.MustCompile(`<(guestAddress|expires|nonce)>([^<]*)</`)

func shownBy(m *softphone.Message) (s shown) {
	for _, e := range hotelingElement.FindAllStringSubmatch(string(m.Body), -1) {
		*map[string]*string{"guestAddress": &s.guest, "expires": &s.expires, "nonce": &s.nonce}[e[1]] = e[2]
	}
	return s
}

// mpp registers a desk phone and subscribes to the hoteling package as it does when it starts; the first NOTIFY is read.
func (w *world) mpp(user, password string, edit ...func(*softphone.Config)) (*mpp, shown) {
	w.t.Helper()
	m := &mpp{ringing: w.registered(user, password, edit...), w: w}
	return m, m.start()
}

// start subscribes anew, as a phone does that was switched on.
func (m *mpp) start() shown {
	m.w.t.Helper()
	var first *softphone.Message
	m.sub, first = m.w.subscribed(m.Phone, softphone.SubscribeOptions{
		Event: hoteling.EventName, Accept: hoteling.BodyType, RequestURI: "sip:" + serverAddr.String(),
	})
	return shownBy(first)
}

// next is what the next NOTIFY shows.
func (m *mpp) next() shown {
	m.w.t.Helper()
	return shownBy(m.w.notified(m.sub))
}

// set sends a SetHoteling in the dialog.
func (m *mpp) set(inner string) {
	m.w.t.Helper()
	body := "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<SetHoteling xmlns=\"http://schema.broadsoft.com/hoteling\">\n" + inner + "</SetHoteling>"
	if err := m.sub.Refresh(m.w.t.Context(), time.Hour, hoteling.BodyType, []byte(body)); err != nil {
		m.w.t.Fatal(err)
	}
}

// guestIn presses Guest In, types address and PIN, and returns what the phone shows in the end.
func (m *mpp) guestIn(address, pin string) shown {
	m.w.t.Helper()
	m.set("  <guestAddress>" + address + "</guestAddress>\n")
	s := m.next()
	if s.nonce == "" {
		return s
	}
	m.w.typed = append(m.w.typed, hoteling.Response(s.nonce, directory.Secret(pin)))
	m.set(fmt.Sprintf("  <guestAddress>%s</guestAddress>\n  <authenticationData>\n    <nonce>%s</nonce>\n    <algorithm>MD5</algorithm>\n    <response>%s</response>\n  </authenticationData>\n",
		address, s.nonce, hoteling.Response(s.nonce, directory.Secret(pin))))
	return m.next()
}

// guestOut presses Guest Out.
func (m *mpp) guestOut() shown {
	m.w.t.Helper()
	m.set("  <guestAddress/>\n")
	return m.next()
}

// as wants a phone to show this guest.
func (m *mpp) as(got shown, guest string) {
	m.w.t.Helper()
	if got.guest != guest || got.nonce != "" {
		m.w.t.Fatalf("the phone shows %+v, want guest %q\n%s", got, guest, m.w.log.String())
	}
}

// visitors makes an enterprise in which both guests and hosts of Paris get along: the demo's, with a second host phone.
func visitors(edit ...func(paris *directory.Site)) func(e *directory.Enterprise) {
	return func(e *directory.Enterprise) {
		paris := e.Sites[0]
		second := directory.NewUser(directory.Workspace)
		second.Name, second.Number, second.Extension = "Bureau de passage 2", "+33170001302", "302"
		second.Phone = &directory.Device{MAC: "00:a0:c9:11:22:32", Model: "CP-8851-3PCC", Username: "+33170001302", Password: "pW-12ab34",
			Host: &directory.Host{Enabled: true, Scope: directory.ScopeEnterprise}}
		paris.Workspaces = append(paris.Workspaces, second)
		for _, f := range edit {
			f(paris)
		}
	}
}

// The host phones of Paris.
func (w *world) host(edit ...func(*softphone.Config)) (*mpp, shown) {
	w.t.Helper()
	return w.mpp("+33170001301", "pW-77e310", edit...)
}

func (w *world) host2() (*mpp, shown) {
	w.t.Helper()
	return w.mpp("+33170001302", "pW-12ab34")
}

// The PINs of the demo.
const (
	alicePIN = "246810"
	brunoPIN = "135790"
	danaPIN  = "998877"
)

// logged waits until the log has a line with all of these.
func (w *world) logged(parts ...string) {
	w.t.Helper()
	synctest.Wait()
	for line := range strings.SplitSeq(w.log.String(), "\n") {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(line, p)
		}
		if all {
			return
		}
	}
	w.t.Errorf("the log has no line with %q", parts)
}

// inHotel runs a scenario on the demo's enterprise with a second host phone; edit may change Paris before.
func inHotel(t *testing.T, scenario func(w *world), edit ...func(paris *directory.Site)) {
	t.Helper()
	e := sitefile.Demo()
	visitors(edit...)(e)
	inWorldOf(t, e, scenario)
}

// user finds somebody of Paris by extension.
func (w *world) user(ext string) *directory.User {
	w.t.Helper()
	dir := w.live.Current()
	u, ok := dir.UserByExtension(dir.Sites()[0], ext)
	if !ok {
		w.t.Fatalf("nobody has extension %s", ext)
	}
	return u
}
