// Package passerelle holds no code: it keeps the rules of the house as tests.
package passerelle
