package api

import (
	"net/http"
	"strings"
	"testing"
)

// Contract is the world of the contract for tests that put the server's front before it.
type Contract struct {
	API      *API
	Requests []ContractRequest // one that does each operation
	world    *world
	dir      any
	log      string
}

// ContractRequest is the sample of an operation.
type ContractRequest struct {
	ID, Method, Path, Body, Kind string
	Most                         int64 // bytes that a body may have; 0 for operations without one
}

// NewContract makes a world of its own.
func NewContract(t *testing.T) *Contract {
	t.Helper()
	w := contractWorld(t)
	c := &Contract{API: w.api, world: w, dir: w.dir.Current(), log: w.log.String()}
	for id, op := range operationsByID(w) {
		s := samples[id]
		r := ContractRequest{ID: id, Method: op.method, Path: "/api/v1" + s.path, Body: s.body, Kind: s.kind}
		if op.RequestBody != nil {
			if r.Most = op.MaxBodyBytes; r.Most == 0 {
				r.Most = 1 << 20
			}
		}
		c.Requests = append(c.Requests, r)
	}
	return c
}

// Identify implements Identifier: everybody may everything.
func (c *Contract) Identify(r *http.Request) (Identity, error) {
	return known(ofEnterprise).Identify(r)
}

// Changed reports whether anything was changed, or noted as such, since NewContract.
func (c *Contract) Changed() bool {
	b := c.world.brid.Bridges()
	return c.world.dir.Current() != c.dir || len(b) != 1 || len(b[0].Participants) != 2 || len(c.world.outs.all) > 0 ||
		strings.Contains(strings.TrimPrefix(c.world.log.String(), c.log), `"by":`)
}
