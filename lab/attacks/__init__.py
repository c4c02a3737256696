"""The engine that runs, labels and undoes attacks; the attacks themselves are one file each in `scenarios/attacks`."""
