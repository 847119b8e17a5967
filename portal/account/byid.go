package account

import "context"

// ByID is who an account ID means now, with the roles of this moment; nil when that is nobody any more.
func (a *Accounts) ByID(ctx context.Context, id string) (*Principal, error) {
	return a.principal(ctx, id)
}
