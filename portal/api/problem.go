package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// fail turns an error of the server's inside into what the caller may know of it. The unexpected is logged under a
// reference that the answer repeats, and stays out of the answer itself.
func (a *API) fail(ctx context.Context, doing string, err error) error {
	var status huma.StatusError
	switch {
	case errors.As(err, &status):
		return err
	case errors.Is(err, ErrNoSuchToken):
		return huma.Error404NotFound(err.Error())
	case errors.Is(err, ErrNumberTaken), errors.Is(err, ErrTooManyTokens):
		return huma.Error409Conflict(err.Error())
	case errors.Is(err, ErrChanged):
		return huma.Error412PreconditionFailed(err.Error())
	case errors.Is(err, ErrUnavailable):
		return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable(err.Error()), http.Header{"Retry-After": {"5"}})
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable("the request was not finished in time"), http.Header{"Retry-After": {"5"}})
	}
	ref := rand.Text()[:12]
	a.log.ErrorContext(ctx, "api request failed", "deed", doing, "ref", ref, "err", err)
	return huma.Error500InternalServerError("internal error, reference " + ref)
}

// problem writes a fault as problem details, with its headers.
func problem(w http.ResponseWriter, err error) {
	var model *huma.ErrorModel
	var headers huma.HeadersError
	if errors.As(err, &headers) {
		for name, values := range headers.GetHeaders() {
			w.Header()[name] = values
		}
	}
	if !errors.As(err, &model) {
		Problem(w, http.StatusInternalServerError, "internal error")
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(model.Status)
	_ = json.NewEncoder(w).Encode(model) // fails only when the caller has gone
}

// Problem writes a fault as problem details (RFC 9457), for handlers that stand beside the API.
func Problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	// A write error here means that the caller has gone.
	_ = json.NewEncoder(w).Encode(huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail})
}
