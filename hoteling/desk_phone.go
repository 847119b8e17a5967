package hoteling

import (
	"time"

	"passerelle/directory"
)

// answer is what a host phone is to be told.
type answer int

const (
	answerState     answer = iota // who is signed in: nothing has changed
	answerChallenge               // it must prove its guest
	answerChanged                 // a change has told it
)

// fromPhone does what the keys of a host phone ask for. dialog is that of its subscription: only the phone that was sent a
// challenge may answer it. It runs on the desk's goroutine.
func (d *Desk) fromPhone(host uint64, dialog string, set Set) (answer, Challenge) {
	switch {
	case set.Guest == "":
		return d.phoneOut(host), Challenge{}
	case set.Proof == nil:
		return d.propose(host, dialog, set.Guest)
	default:
		return d.prove(host, dialog, set), Challenge{}
	}
}

// phoneOut is Guest Out. Whoever holds the phone may.
func (d *Desk) phoneOut(host uint64) answer {
	delete(d.pending, host)
	a, taken := d.seats.on(host)
	if !taken {
		return answerState
	}
	if err := d.free(a, ByPhone); err != nil {
		d.log.Error("guest not signed out", "host", d.lineOf(host), "err", err)
		return answerState
	}
	return answerChanged
}

// propose is the first step of Guest In. A phone that takes no guests, or has another one, is told so at once; whoever else
// is asked for is challenged, so that nobody learns who exists, unless the site wants hopeless attempts refused early.
func (d *Desk) propose(host uint64, dialog, address string) (answer, Challenge) {
	dir := d.cfg.Directory.Current()
	h, _ := dir.UserByRef(host)
	guest := find(dir, h, address)
	if a, taken := d.seats.on(host); taken && guest != nil && a.Guest == guest.Ref {
		return answerState, Challenge{} // a refresh that repeats itself
	}
	no := d.open(h, guest)
	if no == nil && h.Site.Hoteling.EarlyRefusal {
		no = d.hopeless(h, guest)
	}
	if no != nil {
		d.refuse(host, guest, ByPhone, no)
		return answerState, Challenge{}
	}
	c := newChallenge(time.Now())
	d.pending[host] = pending{c, dialog, address}
	return answerChallenge, c
}

// hopeless says why no PIN could let a guest in.
func (d *Desk) hopeless(host, guest *directory.User) *Denial {
	now := time.Now()
	no := mayEnter(host, guest)
	switch {
	case no != nil:
		return no
	case guest.PIN == "":
		return deny(NoPIN)
	case d.hosts.locked(host.Ref, now), d.guests.locked(guest.Ref, now):
		return deny(Locked)
	}
	return nil
}

// prove is the second step of Guest In. A challenge has one answer: after a refusal the phone proposes anew.
func (d *Desk) prove(host uint64, dialog string, set Set) answer {
	dir := d.cfg.Directory.Current()
	h, _ := dir.UserByRef(host)
	guest := find(dir, h, set.Guest)
	if a, taken := d.seats.on(host); taken && guest != nil && a.Guest == guest.Ref {
		return answerState // the same answer again
	}
	p, asked := d.pending[host]
	if asked && p.dialog == dialog {
		delete(d.pending, host)
	}
	no := d.open(h, guest)
	switch {
	case no != nil:
	case !asked || p.dialog != dialog || p.guest != set.Guest || p.Nonce != set.Proof.Nonce || time.Now().After(p.Deadline):
		no = deny(NoChallenge)
	default:
		no = d.proven(h, guest, func(pin directory.Secret) bool { return p.answered(*set.Proof, pin) })
		if no == nil {
			no = mayEnter(h, guest)
		}
	}
	if no == nil {
		_, err := d.seat(h, guest, ByPhone)
		no = asDenial(err)
	}
	if no != nil {
		d.refuse(host, guest, ByPhone, no)
		return answerState
	}
	return answerChanged
}
