package call

import (
	"testing"

	"passerelle/directory"
)

func TestWritten(t *testing.T) {
	trunk := func(country string, p directory.Presentation) *directory.Trunk {
		return &directory.Trunk{Presentation: p, Site: &directory.Site{Country: country}}
	}
	for _, tt := range []struct {
		country, number, want string
	}{
		{"FR", "+33612345678", "0612345678"},
		{"FR", "+33800123456", "0800123456"},
		{"FR", "+33990000123", "0990000123"}, // a range without a format
		{"FR", "+12125550123", "0012125550123"},
		{"FR", "+390612345678", "00390612345678"}, // the zero is part of Italian numbers
		{"IT", "+390612345678", "0612345678"},
		{"ES", "+34912345678", "912345678"}, // no national prefix
		{"CA", "+15145550201", "15145550201"},
		{"CA", "+12125550123", "12125550123"},
		{"CA", "+33612345678", "01133612345678"},
		{"GB", "+442079460123", "02079460123"},
		{"GB", "+4724680123", "004724680123"},
		{"AU", "+33612345678", "001133612345678"},
		{"BR", "+33612345678", "+33612345678"}, // the prefix names a carrier that we do not know
		{"FR", "+9991234567", "+9991234567"},
		{"FR", "201", "201"},
	} {
		n := directory.Number(tt.number)
		if got := Written(n, trunk(tt.country, directory.PresentNational)); got != tt.want {
			t.Errorf("%s from %s: %s, want %s", tt.number, tt.country, got, tt.want)
		}
		if got := Written(n, trunk(tt.country, directory.PresentE164)); got != tt.number {
			t.Errorf("%s in E.164: %s", tt.number, got)
		}
	}
}

func TestCalledShort(t *testing.T) {
	national := &directory.Trunk{Presentation: directory.PresentNational, Site: &directory.Site{Country: "FR"}}
	if got := (Route{Digits: "112"}).Called(national); got != "112" {
		t.Errorf("short: %s", got)
	}
	if got := (Route{Number: "+33612345678"}).Called(national); got != "0612345678" {
		t.Errorf("number: %s", got)
	}
}

func TestCallerNumber(t *testing.T) {
	dir := group(t)
	trunk := map[string]*directory.Trunk{}
	for _, s := range dir.Sites() {
		for _, tr := range s.Trunks {
			trunk[tr.Name] = tr
		}
	}
	for _, tt := range []struct{ from, by, want string }{
		{"alice", "any", "+33170001001"}, // caller_id: site
		{"alice", "north", "+33170001201"},
		{"camille", "north", "+33170001001"}, // has no number
		{"dana", "bell", "+15145550201"},
		{"odd", "any", ""}, // neither line nor site has one
	} {
		u := callerOf(t, dir, tt.from).User
		if got := CallerNumber(u, trunk[tt.by]); string(got) != tt.want {
			t.Errorf("%s by %s: %s, want %s", tt.from, tt.by, got, tt.want)
		}
	}
}

func TestLineNumber(t *testing.T) {
	dir := group(t, func(e *directory.Enterprise) { e.Sites[1].Users[0].Extension = "" })
	for _, tt := range []struct{ of, to, want string }{
		{"alice", "camille", "201"},
		{"alice", "zoe", "+33170001201"},
		{"camille", "zoe", "81203"}, // has no number
		{"zoe", "alice", "+33470001201"},
		{"odd", "alice", "911"}, // nothing that Alice could dial
	} {
		if got := LineNumber(callerOf(t, dir, tt.of).User, callerOf(t, dir, tt.to).User); got != tt.want {
			t.Errorf("%s to %s: %s, want %s", tt.of, tt.to, got, tt.want)
		}
	}
}

func TestClassify(t *testing.T) {
	for _, tt := range []struct {
		country, number string
		national        []string
		want            Class
	}{
		{"FR", "+33170001000", nil, ClassNational},
		{"FR", "+33612345678", nil, ClassNational},
		{"FR", "+33970123456", nil, ClassNational}, // VoIP
		{"FR", "+33805123456", nil, ClassNational},
		{"FR", "+33820123456", nil, ClassPremium},
		{"FR", "+33899123456", nil, ClassPremium},
		{"FR", "+33990000123", nil, ClassNational}, // unknown range
		{"FR", "+590590123456", nil, ClassInternational},
		{"FR", "+590590123456", []string{"GP"}, ClassNational},
		{"FR", "+37798765432", nil, ClassInternational}, // Monaco
		{"FR", "+4924680123", nil, ClassInternational},
		{"FR", "+80012345678", nil, ClassInternational},  // international free phone
		{"FR", "+979123456789", nil, ClassPremiumAbroad}, // international premium rate
		{"FR", "+881612345678", nil, ClassPremiumAbroad},
		{"FR", "+870773123456", nil, ClassPremiumAbroad},
		{"FR", "+882161234567", nil, ClassPremiumAbroad},
		{"FR", "+449098790123", nil, ClassPremiumAbroad},
		{"GB", "+449098790123", nil, ClassPremium},
		{"GB", "+447012345678", nil, ClassPremium}, // personal number
		{"GB", "+448431234567", nil, ClassPremium}, // shared cost
		{"GB", "+441481223344", nil, ClassInternational},
		{"GB", "+441481223344", []string{"GG"}, ClassNational},
		{"US", "+12125550123", nil, ClassNational},
		{"US", "+18005550123", nil, ClassNational},
		{"US", "+19005550123", nil, ClassPremium},
		{"US", "+18765550123", nil, ClassInternational},
		{"US", "+18095550123", nil, ClassInternational},
		{"US", "+12425550123", []string{"CA"}, ClassInternational},
		{"CA", "+12125550123", nil, ClassInternational},
		{"CA", "+12125550123", []string{"US"}, ClassNational},
		{"RU", "+77172123456", nil, ClassInternational}, // Kazakhstan, the same country code
	} {
		n, ok := parseNumber(tt.number, tt.country)
		if !ok {
			t.Errorf("%s does not parse", tt.number)
			continue
		}
		if got := classify(n, &directory.Site{Country: tt.country, NationalCountries: tt.national}); got != tt.want {
			t.Errorf("%s from %s and %v: %s, want %s", tt.number, tt.country, tt.national, got, tt.want)
		}
	}
}

func TestClassifyShort(t *testing.T) {
	for _, tt := range []struct {
		country, digits string
		want            Class
	}{
		{"FR", "3114", ClassNational}, {"FR", "116000", ClassNational}, {"FR", "3639", ClassPremium}, {"FR", "118218", ClassPremium},
		{"FR", "299", ClassNone}, {"FR", "0612345678", ClassNone}, {"FR", "", ClassNone},
		{"CA", "811", ClassNational}, {"GB", "111", ClassNational}, {"GB", "118118", ClassPremium},
		{"AQ", "123", ClassNone}, {"", "112", ClassNone},
	} {
		got, ok := classifyShort(tt.digits, &directory.Site{Country: tt.country})
		if got != tt.want || ok != (tt.want != ClassNone) {
			t.Errorf("%s in %s: %s, %v", tt.digits, tt.country, got, ok)
		}
	}
}

// TestPlansAllowClasses goes through every calling plan and class.
func TestPlansAllowClasses(t *testing.T) {
	for bits := range 16 {
		p := directory.CallingPlan{Internal: bits&1 != 0, National: bits&2 != 0, International: bits&4 != 0, PremiumRate: bits&8 != 0}
		for c, want := range map[Class]bool{
			ClassNone: true, ClassEmergency: true, ClassInternal: p.Internal, ClassNational: p.National, ClassInternational: p.International,
			ClassPremium: p.PremiumRate, ClassPremiumAbroad: p.PremiumRate && p.International,
		} {
			if c.AllowedBy(p) != want {
				t.Errorf("%s by %+v: %v", c, p, !want)
			}
		}
	}
}
