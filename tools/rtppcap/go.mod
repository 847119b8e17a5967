module rtppcap

go 1.26
