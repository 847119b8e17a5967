package directory

import (
	"errors"
	"testing"
)

func TestCheckNewPIN(t *testing.T) {
	u := &User{Number: "+33170001201", Extension: "201"}
	for pin, want := range map[string]error{
		"246810": nil, "1357": nil, "9021": nil, "135790": nil, "12346": nil,
		"": ErrPINLength, "123": ErrPINLength, "12a4": ErrPINLength, "12345678901234567": ErrPINLength, "１２３４": ErrPINLength,
		"1111": ErrPINSequence, "1234": ErrPINSequence, "8765": ErrPINSequence, "8901": ErrPINSequence, "0987": ErrPINSequence,
		"1201": ErrPINNumber, "3317": ErrPINNumber, "201201": ErrPINNumber,
	} {
		if err := CheckNewPIN(u, pin); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", pin, err, want)
		}
	}
	if err := CheckNewPIN(&User{}, "4711"); err != nil {
		t.Error(err)
	}
}
