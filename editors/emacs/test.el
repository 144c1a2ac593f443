;;; test.el --- what Emacs has of the server -*- lexical-binding: t -*-
;; emacs -Q --batch -l test.el WORKSPACE; WORKSPACE is a copy of editors/fixture, with fixed/fixes.bpf.c.
(when (< emacs-major-version 29)
  (require 'package)
  (add-to-list 'package-directory-list "/usr/share/emacs/site-lisp/elpa")
  (package-initialize))
(setq vc-handled-backends nil make-backup-files nil create-lockfiles nil)
(load (expand-file-name "kfunc-lsp.el" (file-name-directory load-file-name)) nil t)
(setq eglot-confirm-server-edits nil eglot-confirm-server-initiated-edits nil eglot-sync-connect t
      eglot-events-buffer-size 0 eglot-autoshutdown nil)

(defvar workspace (expand-file-name (pop command-line-args-left)))
(defvar patience (string-to-number (or (getenv "PATIENCE") "20")))
(setq jsonrpc-default-request-timeout patience) ; else it forgets a request after ten seconds, however busy the machine
(defvar passed 0)

(defun check (what holds &optional more)
  (princ (format "%s %s%s\n" (if holds "ok    " "FAILED") what (if holds "" (format ": %S" more))))
  (unless holds
    (princ (format "%d passed, 1 failed\n" passed))
    (kill-emacs 1))
  (setq passed (1+ passed))
  holds)

(defun eventually (what condition &optional more)
  (let ((end (+ (float-time) patience)) value)
    (while (and (not (setq value (funcall condition))) (< (float-time) end))
      (accept-process-output nil 0.05))
    (check what value (if more (funcall more) "not in time"))))

(defun findings ()
  "What Flymake shows; nothing is idle in batch, so edits are sent here."
  (eglot--signal-textDocument/didChange)
  (flymake-start)
  (flymake-diagnostics))

(defun words (finding)
  (flymake-diagnostic-text finding))

(defun visit (name)
  (find-file (expand-file-name name workspace))
  (apply #'eglot--connect (eglot--guess-contact))
  (flymake-mode 1))

(defun told-by (function)
  "What eldoc FUNCTION comes to tell."
  (let (told)
    (funcall function (lambda (text &rest _) (setq told (or text ""))))
    (eventually (format "%s answers" function) (lambda () told))
    told))

(defun shut-down ()
  (set-buffer-modified-p nil)
  (let ((server (eglot-current-server)))
    (eglot-shutdown server nil patience)
    (check "the server ends" (not (jsonrpc-running-p server)))))

(defvar impl "bpf_wq_set_callback_impl")
(princ (format "Emacs %s\n" emacs-version))
(visit "fixes.bpf.c")
(check "the server is kfunc-lsp" (string-match-p "kfunc-lsp" (format "%s" (process-command (jsonrpc--process (eglot-current-server))))))
(eventually "findings are there" #'findings)
(check "each once" (= 5 (length (findings))) (mapcar #'words (findings)))
(let ((called (seq-find (lambda (one) (string-match-p "cannot be called" (words one))) (findings))))
  (check "behind é𝄞✓ they stand at the name"
         (equal impl (buffer-substring (flymake-diagnostic-beg called) (flymake-diagnostic-end called)))))
(goto-char (point-min))
(search-forward (concat impl "(&e->work"))
(backward-char 14)
(let ((told (told-by #'eglot-hover-eldoc-function)))
  (check "hover shows the prototype to call" (string-match-p "bpf_wq_set_callback" told) told))
(search-forward "&e->work, ")
(let* ((told (told-by #'eglot-signature-eldoc-function))
       (active (text-property-any 0 (length told) 'face 'eldoc-highlight-function-argument told)))
  (check "signature help marks the second argument"
         (and active (string-match-p "callback_fn" (substring told active (next-single-property-change active 'face told))))
         told))
(goto-char (point-max))
(insert "\nint more(void)\n{\n\tbpf_wq_st")
(let ((offered (all-completions "bpf_wq_st" (nth 2 (eglot-completion-at-point)))))
  (check "completion offers kfuncs" (member "bpf_wq_start" offered) offered))
(delete-region (search-backward "\nint more") (point-max))
(eventually "what was typed is taken back" (lambda () (= 5 (length (findings)))))

(let ((left 5))
  (while (> left 0)
    (let* ((first (car (findings)))
           (place (flymake-diagnostic-beg first))
           (about (words first))
           (last-nonmenu-event t)) ; a key, so that the actions are asked for in the minibuffer
      (goto-char place)
      (cl-letf (((symbol-function 'completing-read) (lambda (_prompt titles &rest _) (caar (append titles nil))))
                ((symbol-function 'read-multiple-choice) (lambda (&rest _) (error "asked"))))
        (eglot-code-actions place (flymake-diagnostic-end first) "quickfix" t))
      (eventually (format "a quick fix mends: %s" (car (split-string about "\n")))
                  (lambda () (= (length (findings)) (1- left))))
      (setq left (length (findings))))))
(check "all fixes give what the command line gives"
       (equal (buffer-string)
              (with-temp-buffer (insert-file-contents (expand-file-name "fixed/fixes.bpf.c" workspace)) (buffer-string)))
       (buffer-string))
(shut-down)

(visit "snooper.bpf.c")
(eventually "the other program has its findings" #'findings)
(kfunc-lsp-kernels "6.18")
(eventually "on 6.18 it has none" (lambda () (null (findings))))
(kfunc-lsp-kernels)
(eventually "on the project's kernel it has them again" #'findings)
(eglot-reconnect (eglot-current-server))
(eventually "and behind a reconnect" #'findings)
(shut-down)

(visit "lock.bpf.h")
(eventually "a header has its findings" #'findings)
(shut-down)
(princ (format "%d passed, 0 failed\n" passed))
