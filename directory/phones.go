package directory

import (
	"net"
	"net/url"
	"strconv"
)

// Phones says how the phones of a site configure themselves.
type Phones struct {
	// URL is the server as phones fetch from it, "https://pbx.acme.test:8443"; empty means as they asked for it.
	URL string `yaml:"url" json:"url,omitempty"`
	// Proxy is the host, perhaps with a port, that phones send their requests to; empty means the site's domain.
	Proxy string `yaml:"proxy" json:"proxy,omitempty"`
	// Transport is that of the phones' SIP; empty means TLS where the server listens on it, else UDP.
	Transport Transport `yaml:"transport" json:"transport,omitempty"`
	// PlainHTTP gives phones their passwords over HTTP without TLS too.
	PlainHTTP bool `yaml:"plain_http" json:"plain_http,omitempty"`
}

// phones checks how the site's phones configure themselves.
func (v *validator) phones(s *Phones, path string) {
	p := v.at(s, path)
	if s.URL != "" {
		u, err := url.Parse(s.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || !isHostPort(u.Host) || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
			p.fault("url", "%q is not http:// or https:// with a host, perhaps with a port, and nothing after it", s.URL)
		}
	}
	if s.Proxy != "" && !isHostPort(s.Proxy) {
		p.fault("proxy", "%q is not a host, perhaps with a port", s.Proxy)
	}
	switch s.Transport {
	case "", UDP, TCP, TLS:
	default:
		p.fault("transport", "%q is not one of udp, tcp, tls", s.Transport)
	}
}

// isHostPort says whether s is a host name or address, perhaps with a port.
func isHostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return isHost(s)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && isHost(host)
}
