package main

import (
	"fmt"
	"net/url"
	"strings"
)

// publicURL is where browsers open the portal: that of --public-url, else what can be told from the listeners.
func (c *serveCmd) publicURL() (string, error) {
	if c.PublicURL == "" {
		if c.HTTPS != "" {
			return "https://" + reachable(c.HTTPS), nil
		}
		return "http://" + reachable(c.HTTP), nil
	}
	u, err := url.Parse(c.PublicURL)
	switch {
	case err != nil:
		return "", fmt.Errorf("--public-url: %w", err)
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "", u.User != nil, u.RawQuery != "", u.Fragment != "", strings.Trim(u.Path, "/") != "":
		return "", fmt.Errorf("--public-url %s: want a scheme and a host such as https://portal.acme.test", u.Redacted())
	}
	return u.Scheme + "://" + u.Host, nil
}

// origin is base if --public-url gives it: what the listeners tell need not be how a browser comes here.
func (c *serveCmd) origin(base string) string {
	if c.PublicURL == "" {
		return ""
	}
	return base
}
