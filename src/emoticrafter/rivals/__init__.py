"""The methods that EmotiCrafter is compared with: all train on the same material and make pictures through the same interface."""

from emoticrafter.rivals.budget import Budget, Learned
from emoticrafter.rivals.opening import open_method, train_method
from emoticrafter.rivals.rival import METHODS, MethodEntry, Rival

__all__ = ["METHODS", "Budget", "Learned", "MethodEntry", "Rival", "open_method", "train_method"]
