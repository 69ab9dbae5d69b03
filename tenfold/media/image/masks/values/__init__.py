"""What values, palettes and colours of masks mean: names of classes, one mapping, its use."""
