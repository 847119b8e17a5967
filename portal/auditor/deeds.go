package auditor

import (
	"slices"
	"strings"
)

// deed is what a route or an operation does, as the journal names it: deed.NAME is its text.
type deed struct {
	name   string // empty: not worth an entry
	stored bool   // a change of the directory: the store records it, if there is one
	other  bool   // not in the lists: the route or operation itself is its name
}

// unsafeOnly says whether only requests that may change something do the deed.
func (d deed) unsafeOnly() bool { return d.other }

// stored is a change of the directory.
func stored(name string) deed { return deed{name: name, stored: true} }

// done is anything else that is recorded.
func done(name string) deed { return deed{name: name} }

// none is what is not worth an entry.
var none = deed{}

// pages are the deeds of the portal's routes.
var pages = map[string]deed{
	"POST /services/gateway/assign":                     stored("gateway.assign"),
	"POST /services/gateway/unassign":                   stored("gateway.unassign"),
	"POST /services/gateway/spaces/{ref}/regenerate":    stored("space.regenerate"),
	"GET /services/gateway/spaces.csv":                  done("space.export"),
	"POST /live/{space}/end":                            done("bridge.end"),
	"POST /live/{space}/participants/{id}/remove":       done("participant.remove"),
	"POST /live-calls/{id}/end":                         done("call.end"),
	"POST /live/{space}/lock":                           done("bridge.change"),
	"POST /live/{space}/participants/{id}/mute":         done("participant.change"),
	"POST /account/code":                                done("account.second_factor"),
	"POST /account/code/remove":                         done("account.second_factor"),
	"POST /account/tokens":                              done("token.make"),
	"POST /account/tokens/{id}/revoke":                  done("token.revoke"),
	"POST /account/recovery-codes":                      done("account.recovery"),
	"POST /account/passkeys":                            done("account.passkey"),
	"POST /account/passkeys/remove":                     done("account.passkey_remove"),
	"POST /users/{ref}":                                 stored("user.change"),
	"POST /users/{ref}/second-factor":                   done("account.second_factor_reset"),
	"POST /phones/{mac}/setup":                          done("phone.setup"),
	"POST /phones/{mac}/revoke":                         done("phone.revoke"),
	"POST /phones/{mac}/resync":                         done("phone.resync"),
	"POST /import":                                      stored("import"),
	"POST /services/hoteling/{ref}/release":             done("host.release"),
	"POST /health/blocked/{id}/lift":                    done("source.lift"),
	"POST /health/allowed":                              done("source.allow"),
	"POST /health/allowed/remove":                       done("source.disallow"),
	"POST /audit/{id}/undo":                             stored("undo"),
	"POST /hub/settings/calling/call-settings/hoteling": done("hoteling.own"),
	"POST /hub/settings/calling/call-settings/sign-out": done("guest.leave"),
	"POST /hub/settings/calling/call-settings/forwards": stored("line.settings"),
	"POST /hub/settings/calling/call-settings/calls":    stored("line.settings"),
	"POST /hub/settings/calling/pin":                    stored("pin.change"),
	"POST /hub/space/calls":                             done("space.call"),
	"POST /hub/space/calls/{id}/end":                    done("space.call_end"),
	"POST /hub/space/calls/{id}/retry":                  done("space.call"),
	"POST /hub/space/session/end":                       done("bridge.end"),
	"POST /hub/space/session/lock":                      done("bridge.change"),
	"POST /hub/space/session/participants/{id}/mute":    done("participant.change"),
	"POST /hub/space/session/participants/{id}/remove":  done("participant.remove"),
	"POST /hub/space/regenerate":                        stored("space.regenerate"),
	"POST /setup/{token}":                               done("account.setup"),
	"POST /sign-in":                                     none, "POST /sign-in/code": none, "POST /sign-out": none, "POST /language": none,
	"POST /account/passkeys/begin": none, "POST /sign-in/passkey/begin": none, "POST /sign-in/passkey": none,
}

// operations are the deeds of the API's operations, by their ID.
var operations = map[string]deed{
	// gateway and spaces
	"put-gateway-number":  stored("gateway.assign"),
	"regenerate-space-id": stored("space.regenerate"),
	"call-into-space":     done("space.call"),
	"end-space-call":      done("space.call_end"),
	"retry-space-call":    done("space.call"),
	// what is up
	"end-bridge":         done("bridge.end"),
	"change-bridge":      done("bridge.change"),
	"remove-participant": done("participant.remove"),
	"change-participant": done("participant.change"),
	"end-live-call":      done("call.end"),
	// the directory
	"create-user":            stored("user.create"),
	"change-user":            stored("user.change"),
	"delete-user":            stored("user.delete"),
	"remove-user-phone":      stored("user.phone_remove"),
	"create-workspace":       stored("workspace.create"),
	"change-workspace":       stored("workspace.change"),
	"delete-workspace":       stored("workspace.delete"),
	"remove-workspace-phone": stored("user.phone_remove"),
	"change-site":            stored("site.change"),
	"change-trunk":           stored("trunk.change"),
	"delete-trunk":           stored("trunk.delete"),
	// lines
	"change-line-settings": stored("line.settings"),
	"lift-limits":          done("limits.lift"),
	"end-lift":             done("limits.end_lift"),
	"set-mailbox":          none, // a voice mail's own news
	"set-monitored-lines":  stored("line.monitored"),
	"put-hold-music":       done("music.put"),
	"delete-hold-music":    done("music.delete"),
	// hoteling
	"change-hoteling-guest": stored("guest.change"),
	"sign-guest-out":        done("guest.leave"),
	"change-hoteling-host":  stored("host.change"),
	"sign-guest-in":         done("guest.enter"),
	"release-host":          done("host.release"),
	// phones
	"set-up-phone": done("phone.setup"),
	"revoke-phone": done("phone.revoke"),
	"resync-phone": done("phone.resync"),
	// sources
	"unblock-source":  done("source.lift"),
	"allow-source":    done("source.allow"),
	"disallow-source": done("source.disallow"),
	// the server
	"draw-owner-link":      done("account.owner_link"),
	"reset-second-factor":  done("account.second_factor_reset"),
	"import-configuration": stored("import"),
	"export-configuration": done("export"),
	"undo-change":          stored("undo"),
	"reload-configuration": done("reload"),
	// tokens
	"create-token": done("token.make"),
	"revoke-token": done("token.revoke"),
	// webhooks
	"create-webhook":       done("webhook.create"),
	"change-webhook":       done("webhook.change"),
	"renew-webhook-secret": done("webhook.secret"),
	"test-webhook":         none,
	"delete-webhook":       done("webhook.delete"),
}

// deedOf finds the deed of a route or operation; one that is in no list has itself as its name, so that nothing goes
// unrecorded. GET routes are recorded only if they are in the list.
func deedOf(list map[string]deed, key string) (d deed, recorded bool) {
	d, known := list[key]
	switch {
	case known:
		return d, d != none
	case strings.HasPrefix(key, "GET "):
		return none, false
	default:
		return deed{name: key, other: true}, true
	}
}

// KnowsPage says whether the list has a route of the portal.
func KnowsPage(pattern string) bool {
	_, ok := pages[pattern]
	return ok
}

// KnowsOperation says whether the list has an operation of the API.
func KnowsOperation(id string) bool {
	_, ok := operations[id]
	return ok
}

// Deeds are the names of all deeds.
func Deeds() []string {
	var all []string
	for _, list := range []map[string]deed{pages, operations} {
		for _, d := range list {
			if d.name != "" && !slices.Contains(all, d.name) {
				all = append(all, d.name)
			}
		}
	}
	slices.Sort(all)
	return all
}
