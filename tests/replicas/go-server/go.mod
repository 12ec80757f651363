module example.com/events

go 1.26

require example.com/router v1.4.0
