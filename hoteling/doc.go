// Package hoteling makes a person at home on other people's phones: Guest In and Guest Out, as desk phones do them by the
// event package x-broadworks-hoteling, and by every other road.
//
// A Host is the primary phone of a user or a workspace that takes guests; a Guest is a user who may go. An [Association] is
// a guest on a host, perhaps until a deadline. Registrations never move: the host phone stays registered as its owner's, and
// whoever routes calls asks the [Desk] whose phone it is now.
//
// # Usage
//
//	desk := hoteling.NewDesk(hoteling.DeskConfig{…})
//	server.Handle(hoteling.NewNotifier(hoteling.NotifierConfig{Desk: desk, …}))
//	desk.Load(ctx)
//	go desk.Run(ctx)
//
// Phones come by the Notifier: a proposal, a challenge, a proof. Other roads ask the Desk: SignIn for those who are proven
// already, SignInWithPIN for those who type a PIN, SignOut for all.
//
// # Concurrency
//
// One goroutine, that of Run, owns the desk: it decides, writes to the store, and then tells. What is associated may be asked
// from anywhere and never waits, so calls are routed without asking the desk's goroutine. Every change is one transaction of
// the store, made before anybody is told.
//
// # What is told
//
// A phone is never told why it is refused: it is shown who is signed in on it, which is the truth. The cause is in the log,
// the metrics and [Desk.Refusals].
package hoteling
