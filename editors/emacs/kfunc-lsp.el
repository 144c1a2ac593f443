;;; kfunc-lsp.el --- kfunc-lsp in Emacs, by eglot -*- lexical-binding: t -*-

;; Emacs 29 or later, or 28 with eglot from ELPA. Eglot talks to one server a buffer: this one takes clangd's place, in
;; the buffers where it is asked for. Load this file, then M-x eglot in a BPF program, or
;;
;;     (add-hook 'c-mode-hook #'kfunc-lsp-maybe)
;;
;; for every program that is called *.bpf.c or *.bpf.h.

;;; Code:

(require 'eglot)

(defvar kfunc-lsp-command '("kfunc-lsp" "serve")
  "The program and arguments that start the server.")

(defun kfunc-lsp-server (&optional _interactive)
  "The command for the buffer: kfunc-lsp for BPF programs, else clangd."
  (if (and buffer-file-name (string-match-p "\\.bpf\\.[ch]\\'" buffer-file-name))
      kfunc-lsp-command
    '("clangd")))

(add-to-list 'eglot-server-programs '((c-mode c-ts-mode c++-mode c++-ts-mode) . kfunc-lsp-server))

(defun kfunc-lsp-maybe ()
  "Start the server where the buffer is a BPF program."
  (when (and buffer-file-name (string-match-p "\\.bpf\\.[ch]\\'" buffer-file-name))
    (eglot-ensure)))

(defun kfunc-lsp-kernels (&rest kernels)
  "Check against KERNELS, names or files, from now on; with none, against the project's."
  (interactive (completing-read-multiple
                "Kernels (none: the project's): "
                (mapcar (lambda (kernel) (plist-get kernel :name))
                        (jsonrpc-request (eglot--current-server-or-lose) :kfunc-lsp/kernels
                                         (list :uri (concat "file://" buffer-file-name))))))
  (setq-default eglot-workspace-configuration
                (list :kfunc-lsp (list :kernels (vconcat (delete "" kernels)))))
  (eglot-signal-didChangeConfiguration (eglot--current-server-or-lose)))

(provide 'kfunc-lsp)
;;; kfunc-lsp.el ends here
