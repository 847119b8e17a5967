package sip

import (
	"hash/maphash"
	"slices"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// Register answers a REGISTER whose line is proven: 404 for an address of record nobody has, 403 for one of another
// line (RFC 3261 §10.3 steps 4 and 5), else what Apply answers.
func (r *Registrar) Register(req *sipmsg.Request, src Source, line *Line, lines Lines) *sipmsg.Response {
	user, host := sender(req)
	aor, ok := lines.AOR(user, host)
	switch {
	case !ok:
		r.count.refused.Inc()
		return statelessResponse(req, 404, "Not Found")
	case aor != line.AOR && !slices.Contains(line.AORs, aor):
		r.count.refused.Inc()
		return statelessResponse(req, 403, "Forbidden")
	}
	return r.Apply(req, src, aor, line.Username)
}

// Apply works a REGISTER off for an AOR (RFC 3261 §10.3 steps 6 to 8) and returns its answer. A retransmission within
// 32 s gets the same answer again. It never waits and may be called from many goroutines.
func (r *Registrar) Apply(req *sipmsg.Request, src Source, aor AOR, username string) *sipmsg.Response {
	rq := takeRegistration()
	defer rq.release()
	rq.aor, rq.username, rq.src = aor, username, src
	if err := rq.read(req); err != nil {
		r.count.bad.Inc()
		return statelessResponse(req, 400, "Bad Contact")
	}
	return r.answer(req, rq, r.apply(rq, time.Now()))
}

// outcome is the answer to a registration, without the message around it.
type outcome struct {
	code     int
	reason   string
	at       time.Time // when the request was worked off: now, or the first time
	contacts []string  // Contact values of all bindings (step 8)
	outbound bool      // Require: outbound (RFC 5626 §6)
	path     []string  // Path values to confirm (RFC 3327 §5.3)
	retry    time.Duration
}

// grant is what one contact gets.
type grant struct {
	contact *contact
	expires time.Duration // 0 removes
	id      string        // key of the binding within its AOR
	device  string        // instance to bind under
	regID   uint32
}

// apply is the whole of step 7: it checks all contacts before it changes anything.
func (r *Registrar) apply(rq *registration, now time.Time) outcome {
	var room [4]grant
	grants, fault := r.grants(rq, room[:0])
	if fault != nil {
		return *fault
	}
	if isStream(rq.src.Transport) && len(rq.contacts) > 0 && rq.src.Flow != 0 && !r.flows.add(rq.src.Flow, rq.aor) {
		rq.src.Flow = 0 // closed while the request was on its way
	}
	callID, branch := maphash.String(r.seed, rq.callID), maphash.String(r.seed, rq.branch)

	s := r.shard(rq.aor)
	s.mu.Lock()
	defer s.mu.Unlock()
	rec := s.byAOR[rq.aor]
	if rec == nil {
		if rec = new(record); len(rq.contacts) > 0 {
			s.byAOR[rq.aor] = rec
		}
	}
	r.expireLocked(s, rec, now)
	if len(rq.contacts) == 0 {
		r.count.fetched.Inc()
		return r.okLocked(rec, rq, now)
	}
	switch o, at := rec.orderOf(callID, branch, rq, now); o {
	case orderAgain:
		r.count.again.Inc()
		return r.okLocked(rec, rq, at)
	case orderLate:
		r.count.late.Inc()
		return outcome{code: 500, reason: "Out Of Order", retry: retransmitTime - now.Sub(at)}
	}
	isNew, removed := r.changeLocked(s, rec, rq, grants, now)
	rec.remember(callID, branch, rq.cseq, now)
	switch {
	case isNew:
		r.count.bound.Inc()
	case removed:
		r.count.removed.Inc()
	default:
		r.count.refreshed.Inc()
	}
	return r.okLocked(rec, rq, now)
}

// grants decides what each contact gets, or how the whole request is refused.
func (r *Registrar) grants(rq *registration, list []grant) ([]grant, *outcome) {
	bad := func(reason string) *outcome {
		r.count.bad.Inc()
		return &outcome{code: 400, reason: reason}
	}
	if len(rq.contacts) > 0 && rq.contacts[0].star { // step 6
		if len(rq.contacts) > 1 || rq.expires != 0 {
			return nil, bad("Contact * Needs Expires 0")
		}
		return nil, nil
	}
	if len(rq.contacts) > r.cfg.MaxBindings {
		r.count.refused.Inc()
		return nil, &outcome{code: 403, reason: "Too Many Contacts"}
	}
	for i := range rq.contacts {
		c := &rq.contacts[i]
		if c.star {
			return nil, bad("Contact * Is Not Alone")
		}
		g := grant{contact: c, device: c.instance, regID: c.regID}
		secs := c.expires
		if secs < 0 {
			secs = rq.expires
		}
		switch {
		case secs < 0:
			g.expires = r.cfg.DefaultExpires
		case secs > 0 && secs < int64(r.cfg.MinExpires/time.Second):
			r.count.brief.Inc()
			return nil, &outcome{code: 423, reason: "Interval Too Brief"}
		default:
			g.expires = min(time.Duration(secs)*time.Second, r.cfg.MaxExpires)
		}
		if g.device == "" {
			g.regID = 0 // RFC 5626 §6: reg-id counts only with an instance
			if len(rq.contacts) == 1 {
				g.device = deviceOf(rq.userAgent)
			}
		}
		key := Binding{Contact: c.uri, Instance: g.device, RegID: g.regID}
		g.id = bindingID(&key)
		list = append(list, g)
	}
	return list, nil
}

// changeLocked makes the changes: removals first, so that a phone that moved may name its old and its new contact in one
// request.
func (r *Registrar) changeLocked(s *registrarShard, rec *record, rq *registration, grants []grant, now time.Time) (isNew, removed bool) {
	if rq.contacts[0].star {
		removed = len(rec.bound) > 0
		for len(rec.bound) > 0 {
			r.dropLocked(s, rec, rec.bound[0], Unregistered)
		}
		return false, removed
	}
	for i := range grants {
		if grants[i].expires > 0 {
			continue
		}
		// Only the contact itself: a phone that moved still removes its old contact after it registered the new one.
		for _, b := range slices.Clone(rec.bound) {
			if sameContact(b.Contact, grants[i].contact.uri) {
				r.dropLocked(s, rec, b, Unregistered)
				removed = true
			}
		}
	}
	for i := range grants {
		if grants[i].expires > 0 && r.bindLocked(s, rec, rq, &grants[i], now) {
			isNew = true
		}
	}
	for len(rec.bound) > r.cfg.MaxBindings {
		b := rec.victim(rq)
		if b == nil {
			break
		}
		r.dropLocked(s, rec, b, Replaced)
	}
	return isNew, removed
}

// bindLocked binds one contact, or refreshes its binding.
func (r *Registrar) bindLocked(s *registrarShard, rec *record, rq *registration, g *grant, now time.Time) (isNew bool) {
	b := rec.find(g.id, g.device, g.contact.uri, g.regID)
	if b == nil {
		b = &bound{Binding: Binding{AOR: rq.aor, Since: now}}
		rec.bound = append(rec.bound, b)
		r.live.Add(1)
		isNew = true
	} else if bindingID(&b.Binding) != g.id {
		s.urgent[b.Key()] = struct{}{} // its copy in the store goes
		isNew = true
	}
	urgent := isNew || b.Contact != g.contact.uri || b.Source.Remote != rq.src.Remote ||
		b.stored.Sub(now) < 2*refreshWrite // else a crash could cost a binding that the phone thinks it has
	set := func(p *string, v string) { // keep the old text where it is the same, so that messages do not stay in memory
		if *p != v {
			*p = v
		}
	}
	set(&b.Contact, g.contact.uri)
	set(&b.Params, g.contact.params)
	set(&b.Instance, g.device)
	set(&b.CallID, rq.callID)
	set(&b.Username, rq.username)
	set(&b.UserAgent, rq.userAgent)
	if !slices.Equal(b.Path, rq.path) {
		b.Path = rq.path
	}
	b.RegID, b.Q, b.CSeq, b.Source, b.Demoted = g.regID, g.contact.q, rq.cseq, rq.src, false
	b.Refreshed, b.Expires, b.dirty = now, now.Add(r.jittered(g.expires)), true
	if urgent {
		s.urgent[b.Key()] = struct{}{}
	}
	for i := 0; i < len(rec.bound); { // whatever else had this URI is the same phone under another name, or gone
		if other := rec.bound[i]; other != b && sameContact(other.Contact, b.Contact) && !other.otherFlow(b.Instance, b.RegID) {
			r.dropLocked(s, rec, other, Replaced)
			continue
		}
		i++
	}
	if isNew {
		r.tell.post(Registered, &b.Binding)
	} else {
		r.tell.post(Refreshed, &b.Binding)
	}
	return isNew
}

func (r *Registrar) dropLocked(s *registrarShard, rec *record, b *bound, why ChangeKind) {
	rec.remove(b)
	r.live.Add(-1)
	s.urgent[b.Key()] = struct{}{}
	switch why {
	case Expired:
		r.count.expired.Inc()
	case Replaced:
		r.count.replaced.Inc()
	default:
	}
	r.tell.post(why, &b.Binding)
}

// expireLocked ends the bindings of an AOR whose time is over.
func (r *Registrar) expireLocked(s *registrarShard, rec *record, now time.Time) {
	for i := 0; i < len(rec.bound); {
		if b := rec.bound[i]; !now.Before(b.Expires) {
			r.dropLocked(s, rec, b, Expired)
			continue
		}
		i++
	}
}
