// Command passerelle runs a business site's SIP registrar and B2BUA.
package main

import "fmt"

// version is set by the linker.
var version = "unknown"

func main() {
	fmt.Println("passerelle", version)
}
