// Demo of everything.
module mod.example/demo

go 1.22.0

toolchain go1.22.5

require (
	mod.example/left v1.2.3
	"mod.example/quoted" v0.0.0-20240102030405-0123456789ab
	mod.example/old v2.1.0+incompatible // indirect
	mod.example/replaced/v3 v3.0.0 // indirect; for a reason
)

require mod.example/own v0.0.0

exclude mod.example/left v1.2.4

replace (
	mod.example/replaced/v3 v3.0.0 => mod.example/fork/v3 v3.0.1
	mod.example/own => ../own
)

retract (
	v1.0.0 // published by mistake
	[v1.1.0, v1.1.9]
)

tool mod.example/left/cmd/tool
