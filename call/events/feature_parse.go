package events

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"

	"passerelle/internal/bodyxml"
)

// setFeature is what phones send: SetDoNotDisturb or SetForwarding. Elements count in any namespace, as phones spell it in
// several ways.
type setFeature struct {
	XMLName xml.Name
	On      *string `xml:"doNotDisturbOn"`
	Type    string  `xml:"forwardingType"`
	Active  *string `xml:"activateForward"`
	Target  string  `xml:"forwardDN"`
	Rings   string  `xml:"ringCount"`
}

// maxFeatureParts bounds the parts of a body.
const maxFeatureParts = 16

// ParseFeatures reads what a phone asks for in the body of a SUBSCRIBE: one document, or several in a multipart/mixed.
func ParseFeatures(contentType string, body []byte) ([]FeatureChange, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = strings.ToLower(strings.TrimSpace(contentType))
	}
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		return parseFeatureParts(params["boundary"], body)
	case kind != FeatureType:
		return nil, fmt.Errorf("feature body of type %.40q: %w", kind, ErrMalformed)
	}
	c, err := parseFeature(body)
	if err != nil {
		return nil, err
	}
	return []FeatureChange{c}, nil
}

func parseFeatureParts(boundary string, body []byte) ([]FeatureChange, error) {
	if boundary == "" || len(body) > bodyxml.MaxSize {
		return nil, fmt.Errorf("feature parts: %w", ErrMalformed)
	}
	var all []FeatureChange
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for range maxFeatureParts {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("feature parts: %w: %w", ErrMalformed, err)
		}
		text, err := io.ReadAll(p)
		if err != nil {
			return nil, fmt.Errorf("feature parts: %w: %w", ErrMalformed, err)
		}
		c, err := parseFeature(text)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return nil, fmt.Errorf("more than %d feature parts: %w", maxFeatureParts, ErrMalformed)
}

// parseFeature reads one document.
func parseFeature(text []byte) (c FeatureChange, err error) {
	var set setFeature
	if err := bodyxml.Decode(text, &set); err != nil {
		return c, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	switch set.XMLName.Local {
	case "SetDoNotDisturb":
		on, ok := boolean(set.On)
		if !ok {
			return c, fmt.Errorf("SetDoNotDisturb without doNotDisturbOn: %w", ErrMalformed)
		}
		c.DoNotDisturb = &on
		return c, nil
	case "SetForwarding":
		return parseForwarding(&set)
	}
	return c, fmt.Errorf("feature %.40q: %w", set.XMLName.Local, ErrMalformed)
}

func parseForwarding(set *setFeature) (c FeatureChange, err error) {
	c.Kind = -1
	for k, name := range forwardNames {
		if strings.EqualFold(strings.TrimSpace(set.Type), name) {
			c.Kind = ForwardKind(k)
		}
	}
	active, ok := boolean(set.Active)
	if c.Kind < 0 || !ok {
		return FeatureChange{}, fmt.Errorf("SetForwarding without type or activateForward: %w", ErrMalformed)
	}
	c.Forward = &Forward{Active: active, Target: strings.TrimSpace(set.Target)}
	if n, err := strconv.Atoi(strings.TrimSpace(set.Rings)); err == nil && c.Kind == ForwardNoAnswer && n > 0 {
		c.Forward.Seconds = min(n, maxRings) * ringSeconds
	}
	return c, nil
}

// boolean reads an XML boolean.
func boolean(s *string) (v, ok bool) {
	if s == nil {
		return false, false
	}
	switch strings.ToLower(strings.TrimSpace(*s)) {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}
