package hoteling

import (
	"fmt"

	"passerelle/directory"
)

// Cause is why a guest is refused. It goes to the log, the metrics and the API, never to a phone.
type Cause string

// The causes.
const (
	HostUnknown     Cause = "host_unknown"      // no such phone, or not the primary phone of a line
	HostDisabled    Cause = "host_disabled"     // the phone takes no guests
	HostTaken       Cause = "host_taken"        // another guest is signed in there
	HostElsewhere   Cause = "host_elsewhere"    // the host's line is registered on several phones
	GuestUnknown    Cause = "guest_unknown"     // nobody has that extension or number
	GuestNotAllowed Cause = "guest_not_allowed" // the administrator does not let the user be a guest
	GuestDisabled   Cause = "guest_disabled"    // the user has not switched it on
	GuestAtHome     Cause = "guest_at_home"     // it is the user's own phone
	OutOfScope      Cause = "out_of_scope"      // the host takes guests of its own site only
	LimitMissing    Cause = "limit_missing"     // the host enforces a limit, the guest has none
	LimitTooLong    Cause = "limit_too_long"    // the guest's limit is above the host's
	NoPIN           Cause = "no_pin"            // the guest has no PIN
	WrongPIN        Cause = "wrong_pin"
	Locked          Cause = "locked"       // too many failures of the guest, or on the host
	NoChallenge     Cause = "no_challenge" // the answer is to no challenge that is open
	NotKept         Cause = "not_kept"     // the store did not take the change
)

// Denial is a refusal: an ErrDenied that knows its cause.
type Denial struct {
	Cause Cause
	// HostHours and GuestHours are the limits that clash, for the causes of that kind; GuestHours 0 is none.
	HostHours, GuestHours int
	Err                   error // of the store
}

// Error implements error.
func (d *Denial) Error() string {
	if d.Err != nil {
		return fmt.Sprintf("refused: %s: %v", d.Cause, d.Err)
	}
	return "refused: " + string(d.Cause)
}

// Is makes every denial an ErrDenied.
func (d *Denial) Is(target error) bool { return target == ErrDenied }

// Unwrap gives the store's error.
func (d *Denial) Unwrap() error { return d.Err }

// deny makes a denial.
func deny(c Cause) *Denial { return &Denial{Cause: c} }

// texts say to a person what a cause means, and who can help.
var texts = map[Cause][2]string{ // English, French
	HostUnknown:     {"There is no such phone.", "Ce téléphone n’existe pas."},
	HostDisabled:    {"This phone takes no guests. Contact your administrator.", "Ce téléphone n’accepte pas d’invités. Contactez votre administrateur."},
	HostTaken:       {"Another guest is signed in on this phone.", "Un autre invité est connecté à ce téléphone."},
	HostElsewhere:   {"This phone’s line is registered on several phones. Contact your administrator.", "La ligne de ce téléphone est enregistrée sur plusieurs téléphones. Contactez votre administrateur."},
	GuestUnknown:    {"Nobody has this extension or number.", "Personne n’a ce poste ou ce numéro."},
	GuestNotAllowed: {"You may not sign in on other phones. Contact your administrator.", "Vous ne pouvez pas vous connecter à d’autres téléphones. Contactez votre administrateur."},
	GuestDisabled:   {"Hoteling is not switched on in your settings.", "L’hébergement n’est pas activé dans vos paramètres."},
	GuestAtHome:     {"This is your own phone.", "C’est votre propre téléphone."},
	OutOfScope:      {"This phone takes guests of its own site only. Contact your administrator.", "Ce téléphone n’accepte que les invités de son site. Contactez votre administrateur."},
	NoPIN:           {"You have no PIN. Contact your administrator.", "Vous n’avez pas de code PIN. Contactez votre administrateur."},
	WrongPIN:        {"The PIN is wrong.", "Le code PIN est faux."},
	Locked:          {"Too many failed attempts. Try again in 15 minutes.", "Trop de tentatives échouées. Réessayez dans 15 minutes."},
	NoChallenge:     {"The sign-in took too long. Try again.", "La connexion a pris trop de temps. Réessayez."},
	NotKept:         {"The change could not be stored. Try again.", "La modification n’a pas pu être enregistrée. Réessayez."},
}

// Text tells a person why, in their language. It is for those who have proven who they are: an administrator, or the user.
func (d *Denial) Text(lang directory.Language) string {
	french := lang == directory.French
	switch {
	case d.Cause == LimitMissing && french:
		return fmt.Sprintf("Ce téléphone limite la période d’association à %d\u00a0h et vous n’avez pas de limite\u00a0: la période d’association est dépassée. Contactez votre administrateur.", d.HostHours)
	case d.Cause == LimitMissing:
		return fmt.Sprintf("This phone limits the association period to %d\u00a0h and you have no limit: the association period is exceeded. Contact your administrator.", d.HostHours)
	case d.Cause == LimitTooLong && french:
		return fmt.Sprintf("Votre limite de %d\u00a0h dépasse la période d’association de ce téléphone, %d\u00a0h. Contactez votre administrateur.", d.GuestHours, d.HostHours)
	case d.Cause == LimitTooLong:
		return fmt.Sprintf("Your limit of %d\u00a0h exceeds the association period of this phone, %d\u00a0h. Contact your administrator.", d.GuestHours, d.HostHours)
	case french:
		return texts[d.Cause][1]
	}
	return texts[d.Cause][0]
}
