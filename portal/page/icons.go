package page

import "html/template"

// icons are drawn on a square of 24, by stroke. They only repeat what the text beside them says.
var icons = map[string]string{
	"brand":    `<path d="M3.5 17v-1a8.5 8.5 0 0 1 17 0v1M2.5 17h19M7.5 17v-6.5M12 17V7.5M16.5 17v-6.5"/>`,
	"home":     `<path d="M4 11l8-7 8 7M6 9.5V20h12V9.5M10 20v-6h4v6"/>`,
	"users":    `<circle cx="9" cy="8" r="3.5"/><path d="M2.5 20a6.5 6.5 0 0 1 13 0M16 4.8a3.5 3.5 0 0 1 0 6.4M18 14.3a6.5 6.5 0 0 1 3.5 5.7"/>`,
	"phone":    `<path d="M5 4h3.5l1.7 4.3-2.2 1.6a12 12 0 0 0 6 6l1.6-2.2L20 15.5V19a1.5 1.5 0 0 1-1.6 1.5A16.5 16.5 0 0 1 3.5 5.6 1.5 1.5 0 0 1 5 4z"/>`,
	"services": `<rect x="4" y="4" width="7" height="7" rx="1.5"/><rect x="13" y="4" width="7" height="7" rx="1.5"/><rect x="4" y="13" width="7" height="7" rx="1.5"/><rect x="13" y="13" width="7" height="7" rx="1.5"/>`,
	"live":     `<path d="M3 12h3l2.5-7 4 14 3-9 1.5 2H21"/>`,
	"register": `<path d="M4 6h16M4 12h16M4 18h10M18 16l2 2-2 2"/>`,
	"journal":  `<path d="M6 3.5h12v17H6zM9 8h6M9 12h6M9 16h4"/>`,
	"health":   `<path d="M12 20s-8-4.700-8-10.500A4.500 4.500 0 0 1 12 7a4.500 4.500 0 0 1 8 2.500C20 15.300 12 20 12 20z"/>`,
	"trunk":    `<path d="M4 12h16M4 12l4-4M4 12l4 4M20 12l-4-4M20 12l-4 4"/>`,
	"settings": `<circle cx="12" cy="12" r="3"/><path d="M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1M18.4 5.6l-2.1 2.1M7.7 16.3l-2.1 2.1"/>`,
	"space":    `<circle cx="12" cy="7" r="3"/><circle cx="5.5" cy="16" r="2.5"/><circle cx="18.5" cy="16" r="2.5"/><path d="M10.3 9.5L7 14M13.7 9.5L17 14M8 16h8"/>`,
	"bridge":   `<path d="M3.5 17v-1a8.5 8.5 0 0 1 17 0v1M2.5 17h19M7.5 17v-6.5M12 17V7.5M16.5 17v-6.5"/>`,
	"lock":     `<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>`,
	"hotel":    `<path d="M4 20V5M4 17h16v3M20 17v-3a3 3 0 0 0-3-3H9v6"/><circle cx="6.8" cy="12.5" r="1.6"/>`,
	"import":   `<path d="M12 4v11M8 11l4 4 4-4M4 19h16"/>`,
	"alert":    `<path d="M12 4l9 16H3zM12 10v4M12 17v.010"/>`,
	"ok":       `<circle cx="12" cy="12" r="8.5"/><path d="M8.5 12.3l2.4 2.4 4.6-5"/>`,
}

// icon draws one; an unknown name is a fault of ours that shows as nothing.
func icon(name string) template.HTML {
	return template.HTML(`<svg width="22" height="22" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">` + icons[name] + `</svg>`) //nolint:gosec // constants
}
